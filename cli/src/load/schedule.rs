//! The schedule of a run: when each call is due.

use std::time::Duration;

/// How calls follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Arrivals {
    /// At random moments, as calls of many independent callers come: a Poisson process
    #[default]
    Random,
    /// At even intervals
    Even,
}

/// A call that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Index of the method in the plan's list.
    pub(crate) method: usize,
    /// When the call is due, counted from the start of the run.
    pub(crate) due: Duration,
}

/// The calls of a run, in the order of their due times. Equal settings give equal schedules, so
/// that runs can be compared.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    rate: f64,
    end: Duration,
    /// Cumulative weights of the methods.
    weights: Vec<f64>,
    made: u64,
    last: Duration,
    seed: u64,
}

impl Schedule {
    pub(crate) fn new(arrivals: Arrivals, rate: f64, end: Duration, weights: impl Iterator<Item = f64>) -> Self {
        let sums = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { arrivals, rate, end, weights: sums.collect(), made: 0, last: Duration::ZERO, seed: 0 }
    }

    /// Ends the schedule at this time, unless it ends earlier already.
    pub(crate) fn end_at(&mut self, end: Duration) {
        self.end = self.end.min(end);
    }

    pub(crate) fn end(&self) -> Duration {
        self.end
    }

    /// Whether a call that was taken from the schedule is due before its end, which
    /// [`end_at`](Self::end_at) may have moved.
    pub(crate) fn contains(&self, arrival: Arrival) -> bool {
        arrival.due < self.end
    }

    fn pick_method(&mut self) -> usize {
        let [.., sum] = self.weights[..] else { return 0 };
        if self.weights.len() == 1 {
            return 0;
        }
        let drawn = self.fraction() * sum;
        self.weights.partition_point(|upper| *upper <= drawn).min(self.weights.len() - 1)
    }

    /// Returns the next pseudo-random number in `0.0..1.0`, from SplitMix64.
    fn fraction(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let due = match self.arrivals {
            Arrivals::Random => self.last + Duration::from_secs_f64(-(1.0 - self.fraction()).ln() / self.rate),
            Arrivals::Even => Duration::from_secs_f64(self.made as f64 / self.rate),
        };
        if due >= self.end {
            return None;
        }
        self.last = due;
        self.made += 1;
        Some(Arrival { method: self.pick_method(), due })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_at_the_rate_in_order_and_by_weight() {
        for arrivals in [Arrivals::Random, Arrivals::Even] {
            let schedule = || Schedule::new(arrivals, 10_000.0, Duration::from_secs(2), [8.0, 2.0].into_iter());
            let calls: Vec<_> = schedule().collect();
            assert!((19_500..=20_500).contains(&calls.len()), "{arrivals:?}: {}", calls.len());
            assert!(calls.is_sorted_by_key(|call| call.due) && calls.iter().all(|call| call.due < schedule().end));
            let second = calls.iter().filter(|call| call.method == 1).count();
            assert!((3700..=4300).contains(&second), "{arrivals:?}: {second}");
            assert!(calls.iter().copied().eq(schedule()), "{arrivals:?} is the same each time");
        }
    }

    #[test]
    fn a_schedule_can_end_earlier_and_not_later() {
        let mut schedule = Schedule::new(Arrivals::Even, 10.0, Duration::from_secs(1), [1.0].into_iter());
        schedule.end_at(Duration::from_millis(250));
        schedule.end_at(Duration::from_secs(9));
        assert_eq!(schedule.count(), 3);
    }
}
