//! What an operator must be told at once: the one place that it goes out from.

use golv_engine::id::IdentityId;

use super::Claim;

/// A client was told what this exchange has not, or not so: what was acknowledged is lost.
pub(super) fn alarm_server_behind(identity: IdentityId, claimed: Claim, own: Claim) {
    eprintln!("golv: ALARM: {}", server_behind(identity, claimed, own));
}

fn server_behind(identity: IdentityId, claimed: Claim, own: Claim) -> String {
    format!(
        "identity {identity} was told more than this exchange has: it logged on with {}, and the exchange has {}; \
         its logon was refused. If it tells the truth, commands that were acknowledged are lost: stop the exchange, \
         compare its journal with every copy of it by `golv journal verify`, and restore the newer one, before \
         trading goes on",
        told(claimed),
        told(own),
    )
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
    fn the_alarm_says_who_what_and_what_to_do() {
        let position = |sequence| Some(Position { sequence: Sequence(sequence), chain: Digest([0xab; 32]) });
        let claimed = Claim { events_seen: 7, acknowledged: position(12) };
        let own = Claim { events_seen: 5, acknowledged: position(9) };
        let text = server_behind(IdentityId(101), claimed, own);
        let chain = "ab".repeat(32);
        for part in [
            "identity 101",
            &format!("7 events and position 12:{chain}"),
            &format!("the exchange has 5 events and position 9:{chain}"),
            "golv journal verify",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
