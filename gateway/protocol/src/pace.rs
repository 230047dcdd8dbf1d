//! How fast a client may send: limits that the exchange announces at the logon, and how both sides keep count.
//!
//! A limit is a rate and a burst: so many commands may come at once, and the rate fills up again what was used. What only
//! takes back has a limit of its own, so that a client which has used up the other can still withdraw.
//!
//! Deliberately absent: a clock. Time is a duration since any instant that the caller keeps to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How fast something may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// So many a second in the long run; at least 1.
    pub per_second: u32,
    /// So many at once after a pause; at least 1.
    pub burst: u32,
}

/// What a client may do, announced in the logon's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Commands that may wait for their answers; past that the client's stream is not read.
    pub in_flight: u32,
    /// How fast commands may come.
    pub commands: Rate,
    /// How fast withdrawals may come ([`golv_engine::command::Command::is_withdrawal`]), and commands that are sent again. These do not count among the others.
    pub withdrawals: Rate,
}

/// Counts against a [`Rate`], from any number of threads: what is kept is when the burst is whole again, in nanoseconds. (The generic cell
/// rate algorithm of ITU-T I.371 in its "virtual scheduling" form.)
#[derive(Debug, Default)]
pub struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one.
    ///
    /// # Errors
    /// If none is left: after how long there will be one. Nothing is taken then.
    pub fn take(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let mut wait = Duration::ZERO;
        // Ordering: the number is all that is shared.
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |whole_at| {
            let (next, short) = after_one(whole_at, rate, now);
            wait = short;
            short.is_zero().then_some(next)
        });
        taken.map(drop).map_err(|_| wait)
    }

    /// Takes one ahead of time; tells how long to wait before it may be used.
    pub fn reserve(&self, rate: Rate, now: Duration) -> Duration {
        let mut wait = Duration::ZERO;
        let reserve = |whole_at| {
            let (next, short) = after_one(whole_at, rate, now);
            wait = short;
            Some(next)
        };
        // It is never refused.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve);
        wait
    }
}

/// When the burst is whole again after one more is taken, and how long it is until one may be.
fn after_one(whole_at: u64, rate: Rate, now: Duration) -> (u64, Duration) {
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let each = 1_000_000_000 / u64::from(rate.per_second.max(1));
    let burst = each.saturating_mul(u64::from(rate.burst.max(1)));
    let next = whole_at.max(now).saturating_add(each);
    (next, Duration::from_nanos(next.saturating_sub(now).saturating_sub(burst)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_goes_at_once_and_then_the_rate() {
        let (bucket, rate) = (Bucket::default(), Rate { per_second: 100, burst: 5 });
        let at = Duration::from_millis;
        for _ in 0..5 {
            assert_eq!(bucket.take(rate, at(1_000)), Ok(()));
        }
        assert_eq!(bucket.take(rate, at(1_000)), Err(at(10)));
        assert_eq!(bucket.take(rate, at(1_009)), Err(at(1)));
        assert_eq!(bucket.take(rate, at(1_010)), Ok(()));
        assert_eq!(bucket.reserve(rate, at(1_010)), at(10));
        assert_eq!(bucket.reserve(rate, at(1_010)), at(20));
    }

    proptest! {
        /// In no stretch of time is more taken than the burst and what the rate gives meanwhile, and what is refused succeeds after the
        /// wait that was told.
        #[test]
        fn no_stretch_has_more_than_burst_and_rate(
            per_second in 1_u32..2_000,
            burst in 1_u32..50,
            pauses in prop::collection::vec(0_u64..20_000_000, 1..300),
        ) {
            let (bucket, rate) = (Bucket::default(), Rate { per_second, burst });
            let each = 1_000_000_000 / u64::from(per_second);
            let mut now = 0;
            let mut taken: Vec<u64> = Vec::new();
            for pause in pauses {
                now += pause;
                match bucket.take(rate, Duration::from_nanos(now)) {
                    Ok(()) => taken.push(now),
                    Err(wait) => {
                        prop_assert!(!wait.is_zero());
                        now += u64::try_from(wait.as_nanos()).expect("short");
                        prop_assert_eq!(bucket.take(rate, Duration::from_nanos(now)), Ok(()));
                        taken.push(now);
                    }
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (last, end) in taken.iter().enumerate().skip(first) {
                    let count = u64::try_from(last - first).expect("few") + 1;
                    prop_assert!(count <= u64::from(burst) + (end - start) / each + 1);
                }
            }
        }
    }
}
