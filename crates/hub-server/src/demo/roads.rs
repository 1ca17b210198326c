//! douro.road_points: points every few kilometres on the lines that stand for the main roads.

use super::{DemoError, files::CsvFile, noise::stream, places::World};

/// How far points are from each other, km.
const STEP_KM: f64 = 3.0;

/// Kilometres of a degree of latitude, and of a degree of longitude at the region's latitude.
const KM: (f64, f64) = (111.0, 81.3);

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for road in &world.settings.roads {
        let mut seq = 0;
        for (number, leg) in road.via.windows(2).enumerate() {
            let (from, to) = (world.municipality(&leg[0])?, world.municipality(&leg[1])?);
            let north = (to.latitude - from.latitude) * KM.0;
            let east = (to.longitude - from.longitude) * KM.1;
            let steps = (north.hypot(east) / STEP_KM).ceil().max(1.0) as i64;
            // The last point of a leg is the first of the next.
            let last = number + 2 == road.via.len();
            for step in 0..steps + i64::from(last) {
                seq += 1;
                let id = format!("{:03}-{seq:04}", road.number);
                let part = step as f64 / steps as f64;
                let between = |a: f64, b: f64| ((a + (b - a) * part) * 1e5).round() / 1e5;
                let chance = |n: i64| world.noise.unit(stream("road", &id), n);
                let code = if part < 0.5 { from.code } else { to.code };
                file.line(&[
                    &id,
                    &road.name,
                    &seq,
                    &code,
                    &between(from.latitude, to.latitude),
                    &between(from.longitude, to.longitude),
                    &((chance(0).powi(2) * 80.0).round() / 10.0),
                    &(chance(1) < 0.2),
                ])?;
            }
        }
    }
    Ok(())
}
