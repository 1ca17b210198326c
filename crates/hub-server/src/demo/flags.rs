//! When observations fail, and what a value's quality is then.

use hub_model::Quality;

use super::noise::Noise;

/// Gaps of a series: a day starts one by chance, and it lasts up to some length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    noise: Noise,
    stream: u64,
    rate: f64,
    max_hours: i64,
}

impl Gaps {
    pub(super) fn new(noise: Noise, stream: u64, rate: f64, max_hours: i64) -> Self {
        Self { noise, stream, rate, max_hours }
    }

    /// Whether nothing was observed in the hour.
    pub(super) fn cover(&self, hour: i64) -> bool {
        let today = hour.div_euclid(24);
        let reach = self.max_hours / 24 + 1;
        (today - reach..=today).any(|day| {
            if self.noise.unit(self.stream, day * 4) >= self.rate {
                return false;
            }
            let start = day * 24 + (self.noise.unit(self.stream, day * 4 + 1) * 24.0) as i64;
            // Short gaps are the usual ones.
            let length = self.noise.unit(self.stream, day * 4 + 2).powi(2) * self.max_hours as f64;
            (start..=start + length as i64).contains(&hour)
        })
    }

    /// A rare doubt about the hour's value.
    pub(super) fn doubt(&self, hour: i64, rate: f64) -> bool {
        self.noise.unit(!self.stream, hour) < rate
    }

    /// The quality of a value that is there: the unremarkable kinds.
    pub(super) fn usual(&self, hour: i64, provisional: bool) -> Quality {
        if provisional {
            Quality::Provisional
        } else if self.noise.unit(self.stream ^ 0x51, hour) < 0.004 {
            Quality::QuasiNormal
        } else {
            Quality::Normal
        }
    }
}
