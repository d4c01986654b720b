//! Whether two series of measurements can be told apart.

use std::fmt;
use std::time::Duration;

/// Two series compared.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// How often a value of the one is above one of the other, where chance says 0.5.
    pub above: f64,
    /// How likely chance alone makes so great a difference (Mann and Whitney's test).
    pub chance: f64,
    /// The difference of the medians, in microseconds.
    pub difference: f64,
    /// The median of the other, in microseconds.
    pub median: f64,
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison {
            above,
            chance,
            difference,
            median,
        } = self;
        let share = difference / median * 100.0;
        write!(
            out,
            "{difference:+.0} µs of {median:.0} ({share:+.1} %), above it {above:.2}, p {chance:.3}"
        )
    }
}

/// Compare `these` with `others`. Both have values.
pub fn compare(these: &[Duration], others: &[Duration]) -> Comparison {
    let mut all: Vec<(f64, bool)> = Vec::new();
    all.extend(these.iter().map(|took| (micros(took), true)));
    all.extend(others.iter().map(|took| (micros(took), false)));
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    // Equal values share the middle of their ranks.
    let (mut sum, mut ties, mut begin) = (0.0, 0.0, 0);
    while let Some(&(value, _)) = all.get(begin) {
        let same = all.iter().skip(begin).take_while(|one| one.0 == value);
        let group: Vec<bool> = same.map(|one| one.1).collect();
        let count = number(group.len());
        let rank = number(begin) + (count + 1.0) / 2.0;
        sum += rank * number(group.iter().filter(|ours| **ours).count());
        ties += count.powi(3) - count;
        begin += group.len();
    }
    let (n, m) = (number(these.len()), number(others.len()));
    let wins = sum - n * (n + 1.0) / 2.0;
    let total = n + m;
    let spread = (n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).sqrt();
    let z = (wins - n * m / 2.0).abs() / spread;
    let median = median(others);
    Comparison {
        above: wins / (n * m),
        chance: two_tails(z),
        difference: self::median(these) - median,
        median,
    }
}

fn micros(took: &Duration) -> f64 {
    took.as_secs_f64() * 1e6
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn median(values: &[Duration]) -> f64 {
    let mut values: Vec<f64> = values.iter().map(micros).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How much of a normal distribution is beyond `z` on both sides (Abramowitz and Stegun,
/// 7.1.26).
fn two_tails(z: f64) -> f64 {
    let x = z / 2.0_f64.sqrt();
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let factors = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum = factors.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    sum * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl Iterator<Item = u64>) -> Vec<Duration> {
        values.map(Duration::from_micros).collect()
    }

    #[test]
    fn equal_series_are_equal_and_others_are_not() {
        let one = series((0..500).map(|n| 1000 + n * 7919 % 500));
        let same = compare(&one, &one);
        assert!(
            (same.above - 0.5).abs() < 1e-9 && same.chance > 0.99,
            "{same}"
        );
        let later = series((0..500).map(|n| 1050 + n * 7919 % 500));
        let found = compare(&later, &one);
        assert!(found.above > 0.55 && found.chance < 1e-4, "{found}");
        assert!((found.difference - 50.0).abs() < 1.0, "{found}");
        let apart = compare(&series(5000..5100), &one);
        assert!(apart.above > 0.999, "{apart}");
    }

    #[test]
    fn the_tails_are_those_of_the_tables() {
        for (z, tails) in [(0.0, 1.0), (1.0, 0.3173), (1.96, 0.05), (2.576, 0.01)] {
            assert!((two_tails(z) - tails).abs() < 1e-4, "{z}");
        }
    }
}
