//! What has occurred in worlds.

use std::ops::AddAssign;

/// What has occurred, so that no kind of it is missing unnoticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) commands: u64,
    pub(super) answers: u64,
    pub(super) events: u64,
    pub(super) starts: u64,
    pub(super) starts_that_failed: u64,
    pub(super) from_snapshots: u64,
    pub(super) torn: u64,
    pub(super) kills: u64,
    pub(super) stops: u64,
    pub(super) power_cuts: u64,
    pub(super) failed_turns: u64,
    pub(super) snapshots: u64,
    pub(super) lines_cut: u64,
    pub(super) lines_dead: u64,
    pub(super) restarted_clients: u64,
    pub(super) busy: u64,
    pub(super) over_limits: u64,
    pub(super) too_fast: u64,
    pub(super) superseded: u64,
    pub(super) silent: u64,
    pub(super) withdrawn_for: u64,
    pub(super) lies: u64,
    pub(super) refused_starts: u64,
    pub(super) behind: u64,
    pub(super) led_astray: u64,
}

impl Tally {
    /// Each with its name; the last is of no use to anybody, and need not occur.
    pub(super) fn each(&mut self) -> [(&'static str, &mut u64); 25] {
        [
            ("commands", &mut self.commands),
            ("answers", &mut self.answers),
            ("events", &mut self.events),
            ("starts", &mut self.starts),
            ("starts that failed", &mut self.starts_that_failed),
            ("starts from a snapshot", &mut self.from_snapshots),
            ("torn tails", &mut self.torn),
            ("kills", &mut self.kills),
            ("orderly stops", &mut self.stops),
            ("power cuts", &mut self.power_cuts),
            ("failed turns", &mut self.failed_turns),
            ("snapshots", &mut self.snapshots),
            ("lines cut", &mut self.lines_cut),
            ("lines dead", &mut self.lines_dead),
            ("clients restarted", &mut self.restarted_clients),
            ("busy", &mut self.busy),
            ("over the limits", &mut self.over_limits),
            ("sent away as too fast", &mut self.too_fast),
            ("sessions superseded", &mut self.superseded),
            ("sessions silent", &mut self.silent),
            ("identities withdrawn for", &mut self.withdrawn_for),
            ("worlds with a lie", &mut self.lies),
            ("starts refused after a lie", &mut self.refused_starts),
            ("clients that found a loss", &mut self.behind),
            ("clients that did not, knowing no position that is remembered", &mut self.led_astray),
        ]
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, mut other: Self) {
        for ((_, sum), (_, more)) in self.each().into_iter().zip(other.each()) {
            *sum += *more;
        }
    }
}
