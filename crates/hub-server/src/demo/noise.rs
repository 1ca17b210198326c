//! Chance without state: every number is a function of the seed, a stream and a position, so that rows
//! can be made in any order and any portion.

/// A source of chance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    seed: u64,
}

/// Names a stream, so that no two uses of chance share their numbers.
pub(super) fn stream(purpose: &str, id: &str) -> u64 {
    // FNV-1a over both names with a separator; it needs to spread, not to withstand anyone.
    purpose.bytes().chain([0xff]).chain(id.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed: finish(seed) }
    }

    /// 64 even bits for a position of a stream.
    pub(super) fn bits(self, stream: u64, at: i64) -> u64 {
        finish((self.seed ^ stream).wrapping_add(at.cast_unsigned().wrapping_mul(GOLDEN)))
    }

    /// Evenly between 0 and 1.
    pub(super) fn unit(self, stream: u64, at: i64) -> f64 {
        unit(self.bits(stream, at))
    }

    /// Between -1 and 1, changing smoothly: even chance at every `period`, eased in between.
    pub(super) fn smooth(self, stream: u64, at: f64, period: f64) -> f64 {
        let position = at / period;
        let knot = position.floor();
        let part = position - knot;
        let eased = part * part * (3.0 - 2.0 * part);
        let from = self.unit(stream, knot as i64);
        let to = self.unit(stream, knot as i64 + 1);
        2.0 * (from + (to - from) * eased) - 1.0
    }
}

/// The upper 53 bits as a fraction.
pub(super) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn finish(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_even_and_its_streams_differ() {
        let noise = Noise::new(7);
        let (a, b) = (stream("rain", "1"), stream("rain", "2"));
        let mean = |s| (0..10_000).map(|i| noise.unit(s, i)).sum::<f64>() / 10_000.0;
        assert!((mean(a) - 0.5).abs() < 0.02 && (mean(b) - 0.5).abs() < 0.02);
        let shared: f64 =
            (0..10_000).map(|i| (noise.unit(a, i) - 0.5) * (noise.unit(b, i) - 0.5)).sum::<f64>()
                / 10_000.0;
        assert!(shared.abs() < 0.005, "{shared}");
        assert_ne!(stream("ab", "c"), stream("a", "bc"));
    }

    #[test]
    fn smooth_chance_does_not_jump() {
        let noise = Noise::new(1);
        let values: Vec<_> =
            (0..2_000).map(|i| noise.smooth(3, f64::from(i) - 900.0, 24.0)).collect();
        assert!(values.windows(2).all(|w| (w[0] - w[1]).abs() < 0.13));
        assert!(values.iter().any(|v| *v > 0.7) && values.iter().any(|v| *v < -0.7));
    }
}
