//! Many measurements of one thing.

/// Nanoseconds, each of one time that a thing was done. A difference of two may be
/// negative.
#[derive(Default)]
pub(crate) struct Sample(Vec<i64>);

impl Sample {
    pub(crate) fn add(&mut self, nanoseconds: i64) {
        self.0.push(nanoseconds);
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Half of them took no longer; in units of so many nanoseconds.
    pub(crate) fn median(&self, unit: f64) -> f64 {
        self.quantile(50, unit)
    }

    /// 99 of 100 took no longer.
    pub(crate) fn p99(&self, unit: f64) -> f64 {
        self.quantile(99, unit)
    }

    #[allow(clippy::cast_precision_loss)]
    fn quantile(&self, percent: usize, unit: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted
            .get(at)
            .map_or(f64::NAN, |value| *value as f64 / unit)
    }
}
