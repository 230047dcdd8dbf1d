//! What an operator must be told at once: each alarm is counted for whoever watches the metrics, and logged as an error with
//! what to do.

use std::path::Path;

use golv_engine::id::{IdentityId, Sequence};
use tracing::error;

use crate::pipeline::Claim;
use crate::pipeline::metrics::{Alarm, Metrics};

/// A client was told what this exchange has not, or not so: what was acknowledged is lost.
pub(crate) fn server_behind(metrics: &Metrics, identity: IdentityId, claimed: Claim, own: Claim) {
    metrics.raise(Alarm::ServerBehind);
    error!(
        identity = identity.0,
        claimed = told(claimed),
        own = told(own),
        "a client was told more than this exchange has, and its logon was refused. If it tells the truth, commands that \
         were acknowledged are lost: stop the exchange, compare its journal with every copy of it by golv journal \
         verify, and restore the newer one, before trading goes on"
    );
}

/// The journal's end was torn, and was cut when the exchange was started.
pub(crate) fn torn_tail(metrics: &Metrics, file: &Path, torn: Sequence, offset: u64, bytes: u64) {
    metrics.raise(Alarm::TornTail);
    error!(
        file = %file.display(),
        torn = torn.0,
        offset,
        bytes,
        "the journal's end was torn and was cut: an interrupted write, in all likelihood, but it may have been \
         acknowledged. Whoever was told of it is found out at the next logon; if there is a copy of the journal that \
         goes further, stop the exchange and restore that"
    );
}

/// The second exchange has ended. If it came to something else than the writer, one of the two is wrong.
pub(crate) fn no_more_snapshots(metrics: &Metrics, reason: &str) {
    metrics.raise(Alarm::Snapshots);
    error!(
        reason,
        "no more snapshots are taken; the exchange goes on. Run golv journal verify: if it fails too, stop the exchange"
    );
}

fn told(Claim { events_seen, acknowledged }: Claim) -> String {
    match acknowledged {
        Some(position) => format!("{events_seen} events and position {position}"),
        None => format!("{events_seen} events and no position"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golv_engine::digest::Digest;
    use golv_engine::id::Sequence;
    use golv_protocol::message::Position;

    #[test]
    fn a_claim_is_told_whole() {
        let position = Position { sequence: Sequence(12), chain: Digest([0xab; 32]) };
        let claim = Claim { events_seen: 7, acknowledged: Some(position) };
        assert_eq!(told(claim), format!("7 events and position 12:{}", "ab".repeat(32)));
        assert_eq!(told(Claim { acknowledged: None, ..claim }), "7 events and no position");
    }
}
