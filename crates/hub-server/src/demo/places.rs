//! The sample's places: the embedded reference tables joined to their settings, and the made-up copies
//! that a larger scale asks for.

use super::{
    DemoError, SampleOptions,
    catalog::{
        CAMERAS, COUNTERS, DESKS, GAUGES, MUNICIPALITIES, NORMALS, STATIONS, cell, reference_rows,
    },
    fiscal::{FiscalYear, fiscal_years},
    noise::{Noise, stream},
    settings::{Climate, Demand, Regime, Settings},
};

/// Everything a generator reads: settings, chance, time and places.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) noise: Noise,
    pub(super) municipalities: Vec<Municipality>,
    pub(super) stations: Vec<Station>,
    pub(super) gauges: Vec<Gauge>,
    pub(super) counters: Vec<Counter>,
    /// Cameras that count number plates, and desks that count visitors.
    pub(super) cameras: Vec<Site>,
    pub(super) desks: Vec<Site>,
    years: Vec<FiscalYear>,
}

#[derive(Debug, Clone)]
pub(super) struct Municipality {
    pub(super) code: &'static str,
    pub(super) population: f64,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    /// The nearest station that observes more than rain and snow.
    pub(super) station: String,
    /// The row as the reference table has it.
    pub(super) cells: Vec<&'static str>,
}

/// What every station, gauge and counter has.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) id: String,
    pub(super) name_ja: String,
    pub(super) name_en: String,
    pub(super) municipality: &'static str,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    pub(super) fictional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Observes {
    Full,
    NoSnow,
    Rain,
    RainSnow,
}

#[derive(Debug, Clone)]
pub(super) struct Station {
    pub(super) site: Site,
    pub(super) elevation_m: i64,
    pub(super) observes: Observes,
    pub(super) climate: Climate,
}

#[derive(Debug, Clone)]
pub(super) struct Gauge {
    pub(super) site: Site,
    pub(super) river: (&'static str, &'static str),
    pub(super) basin_km2: f64,
    pub(super) regime: Regime,
    /// The usual flow of each third of a month, from the first of January on.
    pub(super) normals: Vec<f64>,
}

#[derive(Debug, Clone)]
pub(super) struct Counter {
    pub(super) site: Site,
    pub(super) road: &'static str,
    pub(super) demand: Demand,
    /// The station whose weather its drivers meet.
    pub(super) station: String,
}

impl World {
    pub(super) fn new(options: &SampleOptions) -> Result<Self, DemoError> {
        check("years", options.years, 50, "make 1 to 50 years")?;
        check("scale", options.scale, 500, "choose 1 to 500 times the places")?;
        let settings = Settings::embedded()?;
        let noise = Noise::new(settings.seed.wrapping_add(options.seed));
        let stations = stations(&settings)?;
        let mut world = Self {
            years: fiscal_years(settings.end, options.years),
            municipalities: municipalities(&stations)?,
            gauges: gauges(&settings)?,
            counters: counters(&settings, &stations)?,
            cameras: sites(CAMERAS)?,
            desks: sites(DESKS)?,
            stations,
            settings,
            noise,
        };
        world.grow(options.scale);
        Ok(world)
    }

    /// The fiscal years of observations, oldest first.
    pub(super) fn years(&self) -> &[FiscalYear] {
        &self.years
    }

    /// The years of a yearly table, which go back further than the observations: at least `history`, up
    /// to the last year that ended before the data does.
    pub(super) fn history(&self, history: u32) -> std::ops::RangeInclusive<i32> {
        let last = self.years.last().map_or(0, |year| year.number);
        let count = history.max(u32::try_from(self.years.len()).unwrap_or(history));
        last + 1 - count.cast_signed()..=last
    }

    /// The station of this id.
    pub(super) fn station(&self, id: &str) -> Result<&Station, DemoError> {
        self.stations.iter().find(|s| s.site.id == id).ok_or_else(|| missing("stations", id))
    }

    /// The municipality of this code.
    pub(super) fn municipality(&self, code: &str) -> Result<&Municipality, DemoError> {
        self.municipalities
            .iter()
            .find(|m| m.code == code)
            .ok_or_else(|| missing("municipalities", code))
    }

    /// The station nearest to a place whose temperature is known; never one that a larger scale made up.
    pub(super) fn nearest_station(
        &self,
        latitude: f64,
        longitude: f64,
    ) -> Result<&Station, DemoError> {
        let real = self.stations.iter().filter(|s| s.site.id.as_bytes().first() != Some(&b'0'));
        nearest(latitude, longitude, real).ok_or_else(|| missing("stations", "a place"))
    }

    fn grow(&mut self, scale: u32) {
        let noise = self.noise;
        let (stations, gauges, counters) =
            (self.stations.clone(), self.gauges.clone(), self.counters.clone());
        for copy in 2..=scale {
            let made = |index: usize, count: usize| (copy as usize - 2) * count + index + 1;
            for (i, station) in stations.iter().enumerate() {
                let id = format!("0{:04}", made(i, stations.len()));
                let site = station.site.copy(noise, id, copy);
                self.stations.push(Station { site, ..station.clone() });
            }
            for (i, gauge) in gauges.iter().enumerate() {
                let id = format!("999{:012}", 1_000 + made(i, gauges.len()));
                let site = gauge.site.copy(noise, id, copy);
                self.gauges.push(Gauge { site, ..gauge.clone() });
            }
            for (i, counter) in counters.iter().enumerate() {
                let id = format!("0{:06}", made(i, counters.len()));
                let site = counter.site.copy(noise, id, copy);
                self.counters.push(Counter { site, ..counter.clone() });
            }
        }
        // Files are written in the order of their key, and the series come first in it.
        self.stations.sort_by(|a, b| a.site.id.cmp(&b.site.id));
        self.gauges.sort_by(|a, b| a.site.id.cmp(&b.site.id));
        self.counters.sort_by(|a, b| a.site.id.cmp(&b.site.id));
    }
}

impl Site {
    fn read(table: &str, c: [&'static str; 7]) -> Result<Self, DemoError> {
        let [id, name_ja, name_en, municipality, latitude, longitude, fictional] = c;
        Ok(Self {
            id: id.to_owned(),
            name_ja: name_ja.to_owned(),
            name_en: name_en.to_owned(),
            municipality,
            latitude: cell(table, latitude)?,
            longitude: cell(table, longitude)?,
            fictional: cell(table, fictional)?,
        })
    }

    /// A made-up site within a few hundred metres.
    fn copy(&self, noise: Noise, id: String, copy: u32) -> Self {
        let shift = |at: i64| (noise.unit(stream("copy", &id), at) - 0.5) * 0.008;
        let round = |degrees: f64| (degrees * 1e5).round() / 1e5;
        Self {
            name_ja: format!("{}（架空{copy}）", self.name_ja.trim_end_matches("（架空）")),
            name_en: format!("{} (made up {copy})", self.name_en.trim_end_matches(" (made up)")),
            latitude: round(self.latitude + shift(0)),
            longitude: round(self.longitude + shift(1)),
            fictional: true,
            municipality: self.municipality,
            id,
        }
    }
}

impl Observes {
    fn parse(text: &str) -> Result<Self, DemoError> {
        match text {
            "full" => Ok(Self::Full),
            "no_snow" => Ok(Self::NoSnow),
            "rain" => Ok(Self::Rain),
            "rain_snow" => Ok(Self::RainSnow),
            other => {
                Err(DemoError::embedded(STATIONS.0, format!("{other:?} is no kind of station")))
            }
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NoSnow => "no_snow",
            Self::Rain => "rain",
            Self::RainSnow => "rain_snow",
        }
    }
}

fn check(
    option: &'static str,
    value: u32,
    most: u32,
    expected: &'static str,
) -> Result<(), DemoError> {
    if (1..=most).contains(&value) {
        Ok(())
    } else {
        Err(DemoError::Option { option, value: value.into(), expected })
    }
}

/// The station nearest to a place that observes more than rain and snow.
fn nearest<'a>(
    latitude: f64,
    longitude: f64,
    stations: impl Iterator<Item = &'a Station>,
) -> Option<&'a Station> {
    // Degrees of longitude are shorter by the cosine of the region's latitude.
    let distance = |s: &Station| {
        (s.site.latitude - latitude).powi(2) + ((s.site.longitude - longitude) * 0.73).powi(2)
    };
    stations
        .filter(|s| matches!(s.observes, Observes::Full | Observes::NoSnow))
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn missing(table: &str, id: &str) -> DemoError {
    DemoError::embedded("generator.toml", format!("nothing is said of {id} in {table}"))
}

fn municipalities(stations: &[Station]) -> Result<Vec<Municipality>, DemoError> {
    reference_rows(MUNICIPALITIES, 9)
        .map(|cells| {
            let cells = cells?;
            let number = |at: usize| cell::<f64>(MUNICIPALITIES.0, cells[at]);
            let (latitude, longitude) = (number(5)?, number(6)?);
            let station = nearest(latitude, longitude, stations.iter())
                .ok_or_else(|| missing(STATIONS.0, cells[0]))?;
            Ok(Municipality {
                code: cells[0],
                population: number(8)?,
                latitude,
                longitude,
                station: station.site.id.clone(),
                cells,
            })
        })
        .collect()
}

fn sites(table: (&'static str, &'static str)) -> Result<Vec<Site>, DemoError> {
    reference_rows(table, 7)
        .map(|cells| {
            let c = cells?;
            Site::read(table.0, [c[0], c[1], c[2], c[3], c[4], c[5], c[6]])
        })
        .collect()
}

/// The usual flows of a gauge, 36 of a year.
fn normals(gauge: &str) -> Result<Vec<f64>, DemoError> {
    let rows = reference_rows(NORMALS, 2).collect::<Result<Vec<_>, _>>()?;
    let row = rows.iter().find(|row| row[0] == gauge);
    let flows = row.ok_or_else(|| missing(NORMALS.0, gauge))?[1];
    flows.split(' ').map(|flow| cell(NORMALS.0, flow)).collect()
}

fn stations(settings: &Settings) -> Result<Vec<Station>, DemoError> {
    reference_rows(STATIONS, 9)
        .map(|cells| {
            let c = cells?;
            Ok(Station {
                site: Site::read(STATIONS.0, [c[0], c[1], c[2], c[3], c[4], c[5], c[8]])?,
                elevation_m: cell(STATIONS.0, c[6])?,
                observes: Observes::parse(c[7])?,
                climate: *settings
                    .weather
                    .stations
                    .get(c[0])
                    .ok_or_else(|| missing(STATIONS.0, c[0]))?,
            })
        })
        .collect()
}

fn gauges(settings: &Settings) -> Result<Vec<Gauge>, DemoError> {
    reference_rows(GAUGES, 10)
        .map(|cells| {
            let c = cells?;
            Ok(Gauge {
                site: Site::read(GAUGES.0, [c[0], c[3], c[4], c[5], c[6], c[7], c[9]])?,
                river: (c[1], c[2]),
                basin_km2: cell(GAUGES.0, c[8])?,
                normals: normals(c[0])?,
                regime: settings
                    .river
                    .gauges
                    .get(c[0])
                    .ok_or_else(|| missing(GAUGES.0, c[0]))?
                    .clone(),
            })
        })
        .collect()
}

fn counters(settings: &Settings, stations: &[Station]) -> Result<Vec<Counter>, DemoError> {
    reference_rows(COUNTERS, 8)
        .map(|cells| {
            let c = cells?;
            let refuse = || missing(COUNTERS.0, c[0]);
            let site = Site::read(COUNTERS.0, [c[0], c[1], c[2], c[4], c[5], c[6], c[7]])?;
            Ok(Counter {
                station: nearest(site.latitude, site.longitude, stations.iter())
                    .ok_or_else(refuse)?
                    .site
                    .id
                    .clone(),
                site,
                road: c[3],
                demand: *settings.traffic.counters.get(c[0]).ok_or_else(refuse)?,
            })
        })
        .collect()
}
