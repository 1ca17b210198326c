//! The weather over a place, hour by hour. Temperature, cloud, wind and rain follow from chance and the
//! calendar alone; snow on the ground is carried from hour to hour, beginning with none on 1 September.

use chrono::Datelike;

use super::{
    fiscal::{date, part_of_year, yearly_wave},
    noise::{Noise, stream},
    places::{Station, World},
    settings::{Climate, WeatherSettings},
};

/// The hour before an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hour {
    /// Cel, at the hour's end.
    pub(super) temperature: f64,
    /// mm, in steps of 0.5.
    pub(super) precipitation: f64,
    /// cm.
    pub(super) snow_depth: f64,
    /// m/s.
    pub(super) wind_speed: f64,
    /// 1 (NNE) to 16 (N), or 0 when calm.
    pub(super) wind_point: u32,
    /// h.
    pub(super) sunshine: f64,
}

/// Hours of a slot of the storm calendar; a storm is shorter, so that two slots cover any hour.
const SLOT_HOURS: i64 = 30;

/// Under this temperature precipitation falls as snow, Cel.
pub(super) const SNOW_BELOW: f64 = 1.0;

#[derive(Debug)]
pub(super) struct Sky<'a> {
    settings: &'a WeatherSettings,
    climate: Climate,
    noise: Noise,
    streams: Streams,
    season: Season,
    depth: f64,
    next: i64,
}

/// Chance that the whole region shares, and the place's own.
#[derive(Debug, Clone, Copy)]
struct Streams {
    storm: u64,
    shower: u64,
    air: u64,
    cloud: u64,
    wind: u64,
    place: u64,
}

/// What changes from day to day only.
#[derive(Debug, Clone, Copy)]
struct Season {
    day: i64,
    /// The day's usual mean, Cel.
    mean: f64,
    /// 1 in the middle of winter, -1 in the middle of summer.
    winter: f64,
    /// Factor of storms' rate and rain.
    storms: (f64, f64),
    /// Half the day's length, h.
    half_day: f64,
}

impl<'a> Sky<'a> {
    /// The sky over a station such that the next hour is the one that ends at `hour`.
    pub(super) fn over(world: &'a World, station: &Station, hour: i64) -> Self {
        let day = date(hour.div_euclid(24));
        let bare = day.with_month(9).and_then(|d| d.with_day(1)).map_or(hour, |september| {
            let begin = super::fiscal::day_number(september) * 24;
            if begin > hour { begin - 365 * 24 } else { begin }
        });
        let own = stream("sky", &station.site.id);
        let mut sky = Self {
            settings: &world.settings.weather,
            climate: station.climate,
            noise: world.noise,
            streams: Streams {
                storm: stream("storm", ""),
                shower: stream("shower", ""),
                air: stream("air", ""),
                cloud: stream("cloud", ""),
                wind: stream("wind", ""),
                place: own,
            },
            season: Season::of(bare.div_euclid(24), &station.climate),
            depth: 0.0,
            next: bare,
        };
        while sky.next < hour {
            sky.next_hour();
        }
        sky
    }

    /// The end of the hour that comes next.
    pub(super) fn next_end(&self) -> i64 {
        self.next
    }

    /// The next hour.
    pub(super) fn next_hour(&mut self) -> Hour {
        let hour = self.next;
        self.next += 1;
        let day = hour.div_euclid(24);
        if day != self.season.day {
            self.season = Season::of(day, &self.climate);
        }
        let of_day = hour.rem_euclid(24) as f64;
        let storm = self.storm(hour);
        let cloud = self.cloud(hour, storm);
        let temperature = round(self.temperature(hour, of_day, cloud), 10.0);
        let wind = self.wind(hour, of_day, storm);
        let precipitation = self.precipitation(hour, storm);
        self.lie(temperature, precipitation);
        Hour {
            temperature,
            precipitation,
            snow_depth: self.depth.round(),
            wind_speed: wind,
            wind_point: if wind < 0.3 { 0 } else { self.wind_point(hour) },
            sunshine: self.sunshine(of_day, cloud),
        }
    }

    fn temperature(&self, hour: i64, of_day: f64, cloud: f64) -> f64 {
        let noise = self.noise;
        let at = hour as f64;
        let clear = 1.15 - 0.65 * cloud;
        let daily = self.climate.daily * clear * (1.0 - 0.15 * self.season.winter);
        self.season.mean
            + departure(noise, hour)
            + 5.2 * noise.smooth(self.streams.air, at, 84.0)
            + 2.4 * noise.smooth(!self.streams.air, at, 26.0)
            + 0.9 * noise.smooth(self.streams.place, at, 15.0)
            + daily * (std::f64::consts::TAU * (of_day - 14.0) / 24.0).cos()
            // Clear winter nights cool far below the mean.
            - (1.0 - cloud) * 2.5 * self.season.winter.max(0.0)
    }

    fn cloud(&self, hour: i64, storm: f64) -> f64 {
        let moving = 0.5 + 0.75 * self.noise.smooth(self.streams.cloud, hour as f64, 32.0);
        (moving + 0.22 * self.season.winter + storm * 1.5).clamp(0.0, 1.0)
    }

    /// The region's storm rain in the hour, mm, before a place's factor.
    fn storm(&self, hour: i64) -> f64 {
        let slot = hour.div_euclid(SLOT_HOURS);
        let (rate, rain) = self.season.storms;
        [slot - 1, slot].into_iter().fold(0.0, |sum, slot| {
            let chance = |n: i64| self.noise.unit(self.streams.storm, slot * 4 + n);
            if chance(0) >= self.settings.storm_rate * rate {
                return sum;
            }
            let begin = slot * SLOT_HOURS + (chance(1) * SLOT_HOURS as f64) as i64;
            let length = 5.0 + chance(2) * 20.0;
            let part = (hour - begin) as f64 / length;
            if !(0.0..1.0).contains(&part) {
                return sum;
            }
            let peak = -(1.0 - chance(3)).ln() * self.settings.storm_rain_mm * rain;
            sum + peak * (std::f64::consts::PI * part).sin()
        })
    }

    fn precipitation(&self, hour: i64, storm: f64) -> f64 {
        let patch = 0.3 + 1.4 * self.noise.unit(self.streams.place, hour * 2);
        let band = self.noise.smooth(self.streams.shower, hour as f64, 13.0)
            + 0.5 * self.noise.smooth(self.streams.place, hour as f64, 7.0);
        let season = (self.season.winter * 1.4 - 0.15).clamp(0.0, 1.0);
        let shower = (band - 0.12).max(0.0) * self.settings.sea_effect_mm * season;
        let amount = (storm * self.climate.rain + shower * self.climate.snow) * patch;
        if amount < 0.05 {
            return 0.0;
        }
        // Rounding by chance keeps the sums that rounding down would lose.
        (amount * 2.0 + self.noise.unit(self.streams.place, hour * 2 + 1)).floor() / 2.0
    }

    /// Snow falls, settles and melts.
    fn lie(&mut self, temperature: f64, precipitation: f64) {
        if temperature < SNOW_BELOW && precipitation > 0.0 {
            self.depth += precipitation / 10.0 * (7.5 - temperature.max(-9.0) * 0.8);
        }
        let melt = temperature.max(0.0) * 0.075
            + if temperature > 0.0 { precipitation * 0.06 } else { 0.0 };
        self.depth = (self.depth * (1.0 - 0.0011) - melt).max(0.0);
    }

    fn wind(&self, hour: i64, of_day: f64, storm: f64) -> f64 {
        let at = hour as f64;
        let breeze = 1.0
            + 0.75 * self.noise.smooth(self.streams.wind, at, 22.0)
            + 0.35 * self.noise.smooth(!self.streams.place, at, 5.0)
            + 0.25 * (std::f64::consts::TAU * (of_day - 14.0) / 24.0).cos();
        let season = 1.0 + 0.15 * self.season.winter;
        let gust =
            storm.min(8.0) * 0.55 + 1.8 * self.noise.unit(!self.streams.wind, hour / 11).powi(6);
        round((self.climate.wind * breeze * season + gust * self.climate.wind / 2.3).max(0.0), 10.0)
    }

    fn wind_point(&self, hour: i64) -> u32 {
        // Winter's wind comes from the west-north-west, summer's from around the south.
        let middle = if self.season.winter > 0.0 { 13.0 } else { 9.0 };
        let turn = 4.5 * self.noise.smooth(self.streams.wind ^ 0x77, hour as f64, 19.0)
            + 1.5 * self.noise.smooth(self.streams.place ^ 0x77, hour as f64, 4.0);
        ((middle + turn).round() as i64 - 1).rem_euclid(16) as u32 + 1
    }

    fn sunshine(&self, of_day: f64, cloud: f64) -> f64 {
        // The sun is highest at 11:36 at the region's longitude.
        let (rise, set) = (11.6 - self.season.half_day, 11.6 + self.season.half_day);
        let end = if of_day == 0.0 { 24.0 } else { of_day };
        let light = (end.min(set) - (end - 1.0).max(rise)).clamp(0.0, 1.0);
        round(light * (1.1 - 1.5 * cloud).clamp(0.0, 1.0), 10.0)
    }
}

impl Season {
    fn of(day: i64, climate: &Climate) -> Self {
        let part = part_of_year(day);
        let winter = yearly_wave(part, 0.065);
        let autumn = yearly_wave(part, 0.68).max(0.0);
        let spring = yearly_wave(part, 0.36).max(0.0);
        Self {
            day,
            mean: climate.mean + climate.yearly * yearly_wave(part, 0.595),
            winter,
            storms: (1.0 + 0.45 * autumn - 0.25 * spring, 1.0 + 0.6 * autumn - 0.3 * spring),
            half_day: 6.0 + 1.65 * yearly_wave(part, 0.472),
        }
    }
}

/// How much warmer than usual it is for weeks: what makes years differ, Cel.
fn departure(noise: Noise, hour: i64) -> f64 {
    2.0 * noise.smooth(stream("departure", ""), hour as f64, 24.0 * 61.0)
}

/// The mean departure of July and August of a year, Cel.
pub(super) fn summer_departure(noise: Noise, year: i32) -> f64 {
    let Some(july) = chrono::NaiveDate::from_ymd_opt(year, 7, 1) else { return 0.0 };
    let first = super::fiscal::day_number(july);
    (0..62).map(|day| departure(noise, (first + day) * 24)).sum::<f64>() / 62.0
}

fn round(value: f64, parts: f64) -> f64 {
    // Adding zero turns a rounded -0.0 into 0.0.
    (value * parts).round() / parts + 0.0
}
