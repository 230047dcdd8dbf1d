//! The writer's time and random bytes: the system's, or a rehearsal's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use golv_engine::id::Sequence;
use golv_engine::time::Instant;
use sha2::{Digest as _, Sha256};

/// The system's time. Set before 1970 or after 2262 it is set wrong; stamps then stand still.
pub(super) fn system_now() -> Instant {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .map_or(Instant(0), Instant)
}

/// Where stamps and the batches' random bytes come from.
pub(super) enum Clock {
    /// The system's clock is read with [`system_now`]; tests read another.
    Live(fn() -> Instant),
    Rehearsal {
        seed: u64,
        now: Instant,
    },
}

impl Clock {
    /// The time now. The writer takes the later of it and its last stamp, so a system clock that is set
    /// back stops time but never turns it.
    pub(super) fn now(&self) -> Instant {
        match self {
            Self::Live(read) => read(),
            Self::Rehearsal { now, .. } => *now,
        }
    }

    /// Sets a rehearsal's time; a system clock is not set.
    pub(super) fn set(&mut self, to: Instant) {
        if let Self::Rehearsal { now, .. } = self {
            *now = to;
        }
    }

    /// How long to wait until an instant comes by itself; `None` if waiting does not bring it.
    pub(super) fn until(&self, instant: Instant) -> Option<Duration> {
        match self {
            Self::Live(_) => {
                let left = i128::from(instant.0) - i128::from(self.now().0);
                Some(Duration::from_nanos(u64::try_from(left).unwrap_or(0)))
            }
            Self::Rehearsal { now, .. } => (instant <= *now).then_some(Duration::ZERO),
        }
    }

    /// The 32 random bytes of the batch that begins at `first`: with them the chain tells nothing of a bid.
    pub(super) fn entropy(&self, first: Sequence) -> Result<[u8; 32], getrandom::Error> {
        match self {
            Self::Live(_) => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).map(|()| bytes)
            }
            Self::Rehearsal { seed, .. } => Ok(Sha256::new()
                .chain_update(b"golv batch entropy")
                .chain_update(seed.to_le_bytes())
                .chain_update(first.0.to_le_bytes())
                .finalize()
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_waits_for_nothing_and_repeats_its_random_bytes() {
        let mut clock = Clock::Rehearsal { seed: 7, now: Instant(10) };
        assert_eq!(clock.until(Instant(11)), None);
        assert_eq!(clock.until(Instant(10)), Some(Duration::ZERO));
        clock.set(Instant(11));
        assert_eq!(clock.now(), Instant(11));
        let first = clock.entropy(Sequence(1)).expect("from the seed");
        assert_eq!(clock.entropy(Sequence(1)).expect("from the seed"), first);
        assert_ne!(clock.entropy(Sequence(2)).expect("from the seed"), first);
    }

    #[test]
    fn the_system_clock_runs_and_its_random_bytes_do_not_repeat() {
        let mut clock = Clock::Live(system_now);
        let now = clock.now();
        clock.set(Instant(0));
        assert!(clock.now() >= now && now > Instant(0));
        assert_eq!(clock.until(Instant(0)), Some(Duration::ZERO));
        assert!(clock.until(Instant(i64::MAX)).is_some_and(|wait| wait > Duration::from_secs(1)));
        let first = clock.entropy(Sequence(1)).expect("the system has random bytes");
        assert_ne!(clock.entropy(Sequence(1)).expect("the system has random bytes"), first);
    }
}
