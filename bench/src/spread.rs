//! Many measurements of one thing in three numbers.

use std::fmt;

/// Median, least and greatest of some measurements.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The value in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Sums measurements up; of none, everything is not a number.
    #[must_use]
    pub fn of(measurements: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = measurements.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(sorted.len().saturating_sub(1) / 2), at(sorted.len() / 2));
        Self {
            median: f64::midpoint(low, high),
            min: at(0),
            max: at(sorted.len().saturating_sub(1)),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let text = format!("{:.digits$} ({:.digits$}–{:.digits$})", self.median, self.min, self.max);
        f.pad_integral(true, "", &text)
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        let table: [(&[f64], f64, f64, f64); 3] = [
            (&[3.0, 1.0, 2.0], 2.0, 1.0, 3.0),
            (&[4.0, 1.0, 2.0, 3.0], 2.5, 1.0, 4.0),
            (&[7.0], 7.0, 7.0, 7.0),
        ];
        for (measurements, median, min, max) in table {
            assert_eq!(
                Spread::of(measurements.iter().copied()),
                Spread { median, min, max },
                "{measurements:?}"
            );
        }
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn prints_the_median_before_the_range() {
        assert_eq!(format!("{:.1}", Spread::of([1.0, 2.0, 3.0])), "2.0 (1.0–3.0)");
    }
}
