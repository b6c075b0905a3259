//! Alternating rounds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::Spread;

/// One thing to measure.
pub struct Case<'a> {
    name: String,
    /// Runs the thing so many times.
    run: Box<dyn FnMut(u32) + 'a>,
}

impl<'a> Case<'a> {
    /// Names a thing; what it returns is dropped within the measured time.
    pub fn new<T>(name: impl Into<String>, mut once: impl FnMut() -> T + 'a) -> Self {
        Self {
            name: name.into(),
            run: Box::new(move |times| {
                for _ in 0..times {
                    black_box(once());
                }
            }),
        }
    }
}

/// What alternating rounds measured: nanoseconds of each case in each round.
pub struct Rounds {
    names: Vec<String>,
    /// By case, then by round.
    nanoseconds: Vec<Vec<f64>>,
}

/// Runs every case in every round, the order reversed every other round.
///
/// Each turn takes about `turn`, split into ten of which the fastest but two counts: an interruption
/// by another process spoils a tenth and not the turn.
#[must_use]
pub fn alternate(cases: &mut [Case<'_>], rounds: usize, turn: Duration) -> Rounds {
    let times: Vec<u32> = cases.iter_mut().map(|case| times_within(case, turn / 10)).collect();
    let mut nanoseconds = vec![Vec::with_capacity(rounds); cases.len()];
    for round in 0..rounds {
        let mut order: Vec<_> = cases.iter_mut().zip(&times).zip(&mut nanoseconds).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for ((case, times), measured) in order {
            measured.push(turn_of(case, *times));
        }
    }
    Rounds {
        names: cases.iter().map(|case| case.name.clone()).collect(),
        nanoseconds,
    }
}

fn turn_of(case: &mut Case<'_>, times: u32) -> f64 {
    let mut tenths: Vec<f64> = (0..10)
        .map(|_| {
            let start = Instant::now();
            (case.run)(times);
            start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
        })
        .collect();
    tenths.sort_by(f64::total_cmp);
    tenths.get(2).copied().unwrap_or(f64::NAN)
}

fn times_within(case: &mut Case<'_>, time: Duration) -> u32 {
    let mut times = 1_u32;
    loop {
        let start = Instant::now();
        (case.run)(times);
        if start.elapsed() >= time / 2 || times > u32::MAX / 4 {
            return times;
        }
        times *= 2;
    }
}

impl Rounds {
    /// Nanoseconds of one case.
    #[must_use]
    pub fn nanoseconds(&self, name: &str) -> Spread {
        self.each_round(|of| of(name))
    }

    /// Computes something from the figures of each round by itself, then sums the rounds up.
    ///
    /// A name that was not measured gives not a number.
    pub fn each_round(&self, compute: impl Fn(&dyn Fn(&str) -> f64) -> f64) -> Spread {
        let rounds = self.nanoseconds.first().map_or(0, Vec::len);
        Spread::of((0..rounds).map(|round| {
            compute(&|name| {
                let case = self.names.iter().position(|known| known == name);
                case.and_then(|case| self.nanoseconds.get(case)?.get(round).copied())
                    .unwrap_or(f64::NAN)
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Rounds;

    #[test]
    fn ratio_is_taken_within_each_round() {
        // The machine was three times slower in the second round; the ratio is 2 all the same.
        let rounds = Rounds {
            names: vec!["whole".into(), "part".into()],
            nanoseconds: vec![vec![10.0, 30.0], vec![5.0, 15.0]],
        };
        let ratio = rounds.each_round(|of| of("whole") / of("part"));
        assert_eq!((ratio.min, ratio.median, ratio.max), (2.0, 2.0, 2.0));
        assert_eq!(rounds.nanoseconds("part").max, 15.0);
        assert!(rounds.nanoseconds("other").median.is_nan());
    }
}
