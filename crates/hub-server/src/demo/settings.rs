//! The generator's settings as `datasets/generator.toml` writes them.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;

use super::{DemoError, catalog::SETTINGS};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) seed: u64,
    /// The 1 April before which the data ends.
    pub(super) end: NaiveDate,
    pub(super) weather: WeatherSettings,
    pub(super) river: RiverSettings,
    pub(super) traffic: TrafficSettings,
    pub(super) inbound: InboundSettings,
    pub(super) rice: RiceSettings,
    pub(super) shipments: ShipmentSettings,
    pub(super) population: PopulationSettings,
    /// The share of the workers of each municipality who farm or fish, %.
    pub(super) workers: HashMap<String, f64>,
    pub(super) accidents: AccidentSettings,
    pub(super) plates: PlateSettings,
    pub(super) port: PortSettings,
    pub(super) visits: VisitSettings,
    pub(super) roads: Vec<Road>,
    pub(super) bus_lines: Vec<BusLine>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeatherSettings {
    pub(super) storm_rate: f64,
    pub(super) storm_rain_mm: f64,
    pub(super) sea_effect_mm: f64,
    pub(super) gap_rate: f64,
    pub(super) gap_max_hours: i64,
    pub(super) doubtful_rate: f64,
    pub(super) stations: HashMap<String, Climate>,
}

/// What the weather of a place is like; see the settings file for the units.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Climate {
    pub(super) mean: f64,
    pub(super) yearly: f64,
    pub(super) daily: f64,
    pub(super) rain: f64,
    pub(super) snow: f64,
    pub(super) wind: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RiverSettings {
    pub(super) gap_rate: f64,
    pub(super) gap_max_hours: i64,
    pub(super) doubtful_rate: f64,
    pub(super) melt_mm: f64,
    pub(super) gauges: HashMap<String, Regime>,
}

/// How a river behaves at a gauge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Regime {
    pub(super) station: String,
    pub(super) quick: f64,
    pub(super) gain: f64,
    pub(super) ice: bool,
    pub(super) closed_in_winter: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrafficSettings {
    pub(super) gap_rate: f64,
    pub(super) gap_max_intervals: i64,
    pub(super) missing_rate: f64,
    pub(super) closed_rate: f64,
    pub(super) doubtful_rate: f64,
    pub(super) counters: HashMap<String, Demand>,
}

/// How much traffic a counter sees, and of what kind.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Demand {
    pub(super) daily: f64,
    pub(super) heavy: f64,
    pub(super) pattern: Pattern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pattern {
    /// People on their way to work and back.
    Commuter,
    /// Long ways, goods, nights.
    Trunk,
    /// Guests of the summer coast.
    Coast,
    /// Guests of the winter slopes.
    Ski,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InboundSettings {
    pub(super) low_answer_rate: f64,
    pub(super) municipalities: HashMap<String, Guests>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Guests {
    pub(super) winter: f64,
    pub(super) summer: f64,
    pub(super) inns: u32,
    pub(super) nights: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RiceSettings {
    pub(super) history_years: u32,
    pub(super) kg_per_degree: f64,
    pub(super) municipalities: HashMap<String, Paddy>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paddy {
    pub(super) area: f64,
    #[serde(rename = "yield")]
    pub(super) usual_yield: f64,
    pub(super) grade: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShipmentSettings {
    pub(super) crops: Vec<Crop>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crop {
    pub(super) municipality: String,
    pub(super) crop: String,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) tonnes: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PopulationSettings {
    pub(super) history_years: u32,
    pub(super) municipalities: HashMap<String, People>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct People {
    pub(super) change: f64,
    pub(super) old: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccidentSettings {
    pub(super) per_person: f64,
    pub(super) freezing: f64,
    pub(super) snowy: f64,
    pub(super) wet: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlateSettings {
    pub(super) gap_rate: f64,
    pub(super) snowy_cm: f64,
    pub(super) sites: HashMap<String, Cars>,
}

/// The cars that a camera sees.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cars {
    pub(super) private: f64,
    pub(super) rental: f64,
    pub(super) winter: f64,
    pub(super) summer: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PortSettings {
    pub(super) cruise_rate: f64,
    pub(super) cargo_rate: f64,
    pub(super) cruise_ships: Vec<CruiseShip>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CruiseShip {
    pub(super) name: String,
    pub(super) tonnage: i64,
    pub(super) passengers: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VisitSettings {
    pub(super) gap_rate: f64,
    pub(super) sites: HashMap<String, Visitors>,
}

/// Who comes to an information desk.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visitors {
    pub(super) usual: f64,
    pub(super) winter: f64,
    pub(super) summer: f64,
    pub(super) weekend: f64,
    pub(super) cruise: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Road {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) via: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BusLine {
    pub(super) route: String,
    pub(super) name: String,
    pub(super) via: Vec<String>,
    /// On the way from one of them to the next.
    pub(super) stops: u32,
    pub(super) minutes: f64,
    pub(super) weekday: u32,
    pub(super) holiday: u32,
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Settings {
    pub(super) fn embedded() -> Result<Self, DemoError> {
        toml::from_str(SETTINGS.1).map_err(|e| DemoError::embedded(SETTINGS.0, e))
    }
}
