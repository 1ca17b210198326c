//! hokkaido.inbound_monthly: guests and guest nights by nationality, with a winter for the slopes and a
//! summer for the coast, and with inns that do not always answer.

use chrono::Datelike;
use hub_model::Quality;

use super::{
    DemoError,
    files::{CsvFile, optional},
    noise::stream,
    places::World,
    settings::Guests,
};

/// Code, share of the winter's guests and of the summer's in thousandths, and how much longer they stay
/// in winter than others do.
const COUNTRIES: [(&str, f64, f64, f64); 19] = [
    ("CHN", 105.0, 190.0, 0.75),
    ("KOR", 35.0, 130.0, 0.65),
    ("TWN", 80.0, 210.0, 0.70),
    ("HKG", 150.0, 150.0, 0.95),
    ("SGP", 105.0, 85.0, 1.05),
    ("MYS", 45.0, 45.0, 0.90),
    ("THA", 40.0, 60.0, 0.75),
    ("IND", 5.0, 6.0, 0.80),
    ("IDN", 22.0, 18.0, 0.85),
    ("PHL", 18.0, 14.0, 0.80),
    ("VNM", 6.0, 9.0, 0.70),
    ("RUS", 3.0, 3.0, 0.90),
    ("GBR", 36.0, 10.0, 1.30),
    ("FRA", 10.0, 7.0, 1.20),
    ("DEU", 8.0, 6.0, 1.15),
    ("USA", 82.0, 24.0, 1.20),
    ("CAN", 20.0, 7.0, 1.15),
    ("AUS", 205.0, 12.0, 1.40),
    ("other", 25.0, 14.0, 1.05),
];

/// Parts of the strongest month by month, January first.
const WINTER: [f64; 12] = [1.0, 0.95, 0.42, 0.06, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.05, 0.62];
const SUMMER: [f64; 12] = [0.12, 0.15, 0.18, 0.35, 0.55, 0.75, 0.95, 1.0, 0.70, 0.65, 0.30, 0.20];

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let settings = &world.settings.inbound;
    for municipality in &world.municipalities {
        let code = municipality.code;
        let guests = settings.municipalities.get(code).ok_or_else(|| {
            DemoError::embedded("generator.toml", format!("no inbound guests of {code}"))
        })?;
        let own = stream("inbound", code);
        for year in world.years() {
            for first in year.months() {
                let month = i64::from(first.year()) * 12 + i64::from(first.month0());
                let text = first.format("%Y-%m").to_string();
                let chance = |n: i64| world.noise.unit(own, month * 64 + n);
                let answers = Answers::of(guests, chance(0), chance(1), settings.low_answer_rate);
                let provisional = super::fiscal::day_number(first) >= year.provisional_from;
                let quality = answers.quality(provisional).as_str();
                for (index, country) in COUNTRIES.iter().enumerate() {
                    let luck = 0.75 + 0.5 * chance(2 + index as i64);
                    let weather = 0.9 + 0.2 * chance(40);
                    let share = answers.share() * luck * weather;
                    let (persons, nights) = stay(guests, country, first.month0() as usize, share);
                    let there = answers.answered > 0;
                    file.line(&[
                        &code,
                        &text,
                        &country.0,
                        &optional(there.then_some(persons)),
                        &optional(there.then_some(nights)),
                        &quality,
                        &guests.inns,
                        &answers.answered,
                        &optional(answers.coverage()),
                    ])?;
                }
            }
        }
    }
    Ok(())
}

/// Persons and person-nights of a month.
fn stay(
    guests: &Guests,
    &(_, winter, summer, longer): &(&str, f64, f64, f64),
    month0: usize,
    share: f64,
) -> (i64, i64) {
    let skiers = guests.winter * WINTER[month0] * winter / 1_000.0;
    let travellers = guests.summer * SUMMER[month0] * summer / 1_000.0;
    let persons = ((skiers + travellers) * share).round();
    let length = if skiers > travellers {
        (guests.nights * longer).max(1.0)
    } else {
        1.0 + (guests.nights - 1.0) * 0.25
    };
    (persons as i64, (persons * length).round() as i64)
}

/// How many of a municipality's inns answered.
struct Answers {
    surveyed: u32,
    answered: u32,
}

impl Answers {
    fn of(guests: &Guests, few: f64, how_few: f64, low_rate: f64) -> Self {
        let part = if few < low_rate { 0.65 * how_few } else { 0.78 + 0.22 * how_few };
        let answered = (f64::from(guests.inns) * part).round() as u32;
        Self { surveyed: guests.inns, answered: answered.min(guests.inns) }
    }

    fn share(&self) -> f64 {
        if self.surveyed == 0 { 0.0 } else { f64::from(self.answered) / f64::from(self.surveyed) }
    }

    /// In percent with one decimal.
    fn coverage(&self) -> Option<f64> {
        (self.surveyed > 0).then(|| (self.share() * 1_000.0).round() / 10.0)
    }

    fn quality(&self, provisional: bool) -> Quality {
        if self.answered == 0 {
            Quality::Missing
        } else if self.share() < 0.5 {
            Quality::Insufficient
        } else if provisional {
            Quality::Provisional
        } else if self.share() < 0.8 {
            Quality::QuasiNormal
        } else {
            Quality::Normal
        }
    }
}
