//! `golv journal export`: every command with its answer and what it made happen, for auditors, and what is sealed left
//! sealed.
//!
//! A bid may be shown when its auction is closed. So there are two passes: the first finds which auctions were closed, the
//! second prints. What is not known to be closed is sealed, an auction that does not exist among it. The secret of a draw is
//! shown where it cleared an auction: one that was refused may be that of another auction, which is still open.
//!
//! Of boards nothing is shown that an auditor is not told: see `boards.rs`.

use std::collections::BTreeSet;
use std::path::Path;

use golv_engine::Answer;
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, Sequence};
use golv_engine::ledger::Cause;
use golv_engine::time::Instant;
use golv_journal::execute::Happened;
use golv_journal::replay::ReplayError;
use golv_journal::skip::Skip;
use golv_journal::{Content, Frame, scan_from};
use golv_protocol::batch::{Batch, Entry};
use serde_json::{Value, json};

use super::{JournalError, Tracked, boards, refuse_damage, with_effects};
use crate::command_line::show::{command_json, command_name, event_name, happened_json};
use crate::print;

/// What is printed.
struct Selection {
    from: Sequence,
    to: Sequence,
    closed: Closed,
}

/// Which auctions are known to be closed: what is said of others is sealed.
pub(super) struct Closed(BTreeSet<AuctionId>);

/// Prints what was asked for, one object a line.
pub(super) fn export(dir: &Path, from: Option<Sequence>, to: Option<Sequence>) -> Result<(), JournalError> {
    let (closed, last) = Closed::by_the_end(dir)?;
    let (from, to) = (from.unwrap_or(Sequence(0)), to.unwrap_or(last));
    if let Some(sequence) = [from, to].into_iter().find(|sequence| *sequence > last) {
        return Err(JournalError::NotThere { sequence, last });
    }
    if from > to {
        return Err(JournalError::Backwards { from, to });
    }
    let selection = Selection { from, to, closed };
    let (mut tracked, begin) = Tracked::begin(dir)?;
    let mut reader = scan_from(dir, begin.segment)?;
    while let Some(frame) = reader.next_frame()? {
        if matches!(frame.content, Content::Batch { .. }) && frame.sequence > selection.to {
            break;
        }
        let batch = tracked.frame(&frame)?;
        let chain = tracked.replay.chain();
        match batch {
            Some(batch) => {
                selection.print(&batch, tracked.replay.answers(), tracked.replay.happened(), chain);
            }
            None => {
                let failed = tracked.failed(frame.segment, frame.offset);
                selection.print_skip(&frame, chain).map_err(failed)?;
            }
        }
    }
    refuse_damage(reader.finish()?).map(|_| ())
}

impl Closed {
    /// Which auctions were closed by the end of what is whole, and the last command there.
    pub(super) fn by_the_end(dir: &Path) -> Result<(Self, Sequence), JournalError> {
        let (mut tracked, begin) = Tracked::begin(dir)?;
        let mut reader = scan_from(dir, begin.segment)?;
        let mut closed = BTreeSet::new();
        while let Some(frame) = reader.next_frame()? {
            tracked.frame(&frame)?;
            closed.extend(tracked.replay.happened().iter().filter_map(|happened| match happened.event {
                Event::AuctionClosed { auction } => Some(auction),
                _ => None,
            }));
        }
        Ok((Self(closed), tracked.replay.exchange().sequence()))
    }

    fn has(&self, auction: AuctionId) -> bool {
        self.0.contains(&auction)
    }

    /// Whether what a command held or released as bid bonds tells of bids in an auction that is not known to be closed.
    pub(super) fn seals_bonds(&self, command: &Command, events: &[Happened]) -> bool {
        let of_bids = |event: &Event| match event {
            Event::ActionConfirmed { action: Action::CancelAuction { auction }, .. } => Some(*auction),
            event => bid_in(event),
        };
        let auctions = events.iter().filter_map(|happened| of_bids(&happened.event));
        sealed_in(command).into_iter().chain(auctions).any(|auction| !self.has(auction))
    }
}

/// The auction of a bid that was placed, changed or withdrawn. Every event is named, so that a new one is thought of.
fn bid_in(event: &Event) -> Option<AuctionId> {
    match event {
        Event::BidAccepted { auction, .. }
        | Event::BidReplaced { auction, .. }
        | Event::BidWithdrawn { auction, .. } => Some(*auction),
        Event::Founded { .. }
        | Event::LineLost { .. }
        | Event::ClockSet { .. }
        | Event::ActionProposed { .. }
        | Event::ActionConfirmed { .. }
        | Event::ProposalWithdrawn { .. }
        | Event::AuctionOpened { .. }
        | Event::AuctionClosed { .. }
        | Event::AuctionCleared { .. }
        | Event::BookClosed { .. }
        | Event::SolutionProposed { .. }
        | Event::SaleSettled { .. }
        | Event::AwardsOffered { .. }
        | Event::AwardAccepted { .. }
        | Event::AwardDeclined { .. }
        | Event::AuctionFinalised { .. }
        | Event::EntitlementGranted { .. }
        | Event::EntitlementNovated { .. }
        | Event::EntitlementTerminated { .. }
        | Event::UpsideShared { .. }
        | Event::ReferencePriceHeld { .. }
        | Event::DeliveryReported { .. }
        | Event::ReferencePricePublished { .. }
        | Event::SettlementRunCompleted { .. }
        | Event::ClaimsPaid { .. }
        | Event::ProgrammeLevel { .. }
        | Event::InvoiceIssued { .. }
        | Event::InvoicePaid { .. }
        | Event::InvoiceLate { .. }
        | Event::SellersPaid { .. }
        | Event::NoticeServed { .. }
        | Event::NoticeFollowed { .. }
        | Event::Defaulted { .. }
        | Event::DefaultMadeGood { .. }
        | Event::ParticipantHalted { .. }
        | Event::StockTraded { .. }
        | Event::EntryPosted { .. }
        | Event::EntryReplaced { .. }
        | Event::EntryQuantity { .. }
        | Event::EntryClosed { .. }
        | Event::GroupJoined { .. }
        | Event::GroupLeft { .. }
        | Event::RoundCalled { .. }
        | Event::RoundBook { .. }
        | Event::DealsProposed { .. }
        | Event::RoundHeld { .. }
        | Event::NegotiationOpened { .. }
        | Event::TermsCountered { .. }
        | Event::TermsAccepted { .. }
        | Event::NegotiationEnded { .. }
        | Event::DealMade { .. }
        | Event::DealShared { .. }
        // Of bid bonds it tells no auction: what else its command did tells it.
        | Event::Posted { .. } => None,
    }
}

impl Selection {
    fn has(&self, sequence: Sequence) -> bool {
        (self.from..=self.to).contains(&sequence)
    }

    fn print(&self, batch: &Batch<Command>, answers: &[Answer], happened: &[Happened], chain: Digest) {
        let count = batch.entries.len() as u64;
        let last = Sequence((batch.header.first.0 + count).saturating_sub(1));
        for ((sequence, entry, events), answer) in with_effects(batch, happened).zip(answers) {
            if !self.has(sequence) {
                continue;
            }
            let mut object = self.object(sequence, batch.header.at, entry, answer, events);
            if sequence == last {
                object["chain"] = chain.to_string().into();
            }
            print::line(object);
        }
    }

    fn object(
        &self,
        sequence: Sequence,
        at: Instant,
        Entry { sender, id, command }: &Entry<Command>,
        answer: &Answer,
        events: &[Happened],
    ) -> Value {
        let is_refused_clearing = answer.outcome.is_err() && matches!(command, Command::ClearAuction { .. });
        let is_open = |auction: &AuctionId| !self.closed.has(*auction);
        let sealed = sealed_in(command).filter(|auction| is_refused_clearing || is_open(auction));
        let seals_bonds = self.closed.seals_bonds(command, events);
        let events = events.iter().map(|happened| self.event(&happened.event, seals_bonds));
        let on_board = boards::sealed_command(command);
        let is_sealed = sealed.is_some() || on_board.is_some();
        let command = match (sealed, on_board) {
            (Some(auction), _) => {
                json!({ "command": command_name(command), "auction": auction.0, "sealed": true })
            }
            (None, Some(on_board)) => on_board,
            (None, None) => command_json(command),
        };
        json!({
            "sequence": sequence.0,
            "stamp": at.to_string(),
            "sender": sender.0,
            "id": id.0,
            "command": command,
            "answer": answer_json(answer, is_sealed),
            "events": events.collect::<Vec<_>>(),
        })
    }

    fn event(&self, event: &Event, seals_bonds: bool) -> Value {
        if seals_bonds && matches!(event, Event::Posted { cause: Cause::Bond(_), .. }) {
            return json!({ "event": event_name(event), "sealed": true });
        }
        match bid_in(event).filter(|auction| !self.closed.has(*auction)) {
            Some(auction) => json!({ "event": event_name(event), "auction": auction.0, "sealed": true }),
            None => boards::sealed_event(event).unwrap_or_else(|| happened_json(event)),
        }
    }

    fn print_skip(&self, frame: &Frame<'_>, chain: Digest) -> Result<(), ReplayError> {
        let Content::Skip { payload } = frame.content else { return Ok(()) };
        // It belongs to the command before it.
        if !self.has(Sequence(frame.sequence.0.saturating_sub(1))) {
            return Ok(());
        }
        let skip = Skip::decode(payload)
            .map_err(|source| ReplayError::DecodeSkip { sequence: frame.sequence, source })?;
        print::line(skip_json(&skip, chain));
        Ok(())
    }
}

/// The auction until whose close a command is sealed: a bid, or the secret of a draw that was sent too early. Every command is named,
/// so that a new one is thought of.
fn sealed_in(command: &Command) -> Option<AuctionId> {
    match command {
        Command::PlaceBid { auction, .. }
        | Command::ReplaceBid { auction, .. }
        | Command::WithdrawBid { auction, .. }
        | Command::ClearAuction { auction, secret: Some(_) } => Some(*auction),
        Command::Found { .. }
        | Command::Tick
        | Command::SetClock { .. }
        | Command::Propose { .. }
        | Command::Confirm { .. }
        | Command::WithdrawProposal { .. }
        | Command::WithdrawAll
        | Command::LineLost { .. }
        | Command::Halt { .. }
        | Command::ClearAuction { secret: None, .. }
        | Command::ProposeSolution { .. }
        | Command::AcceptAward { .. }
        | Command::DeclineAward { .. }
        | Command::PublishReferencePrice { .. }
        | Command::ReportDelivery { .. }
        | Command::PostEntry { .. }
        | Command::ReplaceEntry { .. }
        | Command::WithdrawEntry { .. }
        | Command::JoinGroup { .. }
        | Command::LeaveGroup { .. }
        | Command::CallRound { .. }
        | Command::ProposeDeals { .. }
        | Command::Negotiate { .. }
        | Command::CounterTerms { .. }
        | Command::AcceptTerms { .. }
        | Command::EndNegotiation { .. } => None,
    }
}

/// An answer. It names the command that was answered first, if this one was sent again.
fn answer_json(answer: &Answer, sealed: bool) -> Value {
    let mut object = json!({ "sequence": answer.sequence.0, "done": answer.outcome.is_ok() });
    if let Err(reason) = answer.outcome {
        object["code"] = reason.code().into();
        object["name"] = reason.name().into();
        if !sealed {
            object["reason"] = reason.to_string().into();
        }
    }
    object
}

/// Commands that were set aside, with the chain after the skip.
fn skip_json(Skip { at, sequences, reason }: &Skip, chain: Digest) -> Value {
    json!({
        "skip": sequences.iter().map(|sequence| sequence.0).collect::<Vec<_>>(),
        "stamp": at.to_string(),
        "reason": reason,
        "chain": chain.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_is_exported_with_its_reason() {
        let reason = "an assertion in the \"ledger\"".to_owned();
        let skip = Skip { at: Instant(1), sequences: vec![Sequence(7), Sequence(9)], reason };
        let object = json!({
            "skip": [7, 9],
            "stamp": "1970-01-01T00:00:00.000000001Z",
            "reason": "an assertion in the \"ledger\"",
            "chain": "5a".repeat(32),
        });
        assert_eq!(skip_json(&skip, Digest([0x5a; 32])), object);
    }
}
