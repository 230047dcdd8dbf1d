//! What a journal holds, by the engine alone, and whether everybody was told just that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use golv_engine::command::Command;
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, CommandId, IdentityId, Sequence};
use golv_engine::reject::Reject;
use golv_engine::{Answer, Exchange, Mode, RulesVersion};
use golv_journal::execute::Happened;
use golv_journal::{Content, Verdict, scan};
use golv_protocol::batch::Batch;
use golv_protocol::message::Numbered;

use super::trader::Trader;

/// What was done under a name at first, and what it was answered.
pub(super) struct Done {
    command: Command,
    answer: Answer,
}

impl Done {
    /// Whether it may have been answered so. A command over the limits whose refusal was lost comes again when later ones were executed, and is
    /// too old; that answer is of the moment.
    fn is_answered(&self, answer: Answer) -> bool {
        let is_too_old = |answer: Answer| matches!(answer.outcome, Err(Reject::TooOld { .. }));
        self.answer == answer || is_too_old(self.answer) && is_too_old(answer)
    }
}

/// A journal from its founding on. Nothing of `golv_journal::execute` or of snapshots is asked for it.
pub(super) struct Held {
    pub(super) exchange: Exchange,
    pub(super) done: BTreeMap<(IdentityId, CommandId), Done>,
    pub(super) happened: Vec<Happened>,
    /// Whose bids were withdrawn since their line was lost.
    pub(super) lost: BTreeSet<IdentityId>,
    pub(super) is_torn: bool,
    /// The state digest after each batch that was not compared yet.
    pub(super) digests: BTreeMap<Sequence, Digest>,
    compared: Sequence,
    /// All batches, as they are in the journal.
    batches: Vec<Vec<u8>>,
}

impl Held {
    /// Reads a journal that no writer has open. `None` if it is damaged. States up to a sequence were compared before, and what was read
    /// before is gone on with where the journal begins with just that: to digest and execute all of it at each start would take most of a
    /// world's time.
    pub(super) fn read(dir: &Path, compared: Sequence, before: Option<Self>) -> Option<Self> {
        let mut batches = Vec::new();
        let mut reader = scan(dir).ok()?;
        while let Some(frame) = reader.next_frame().expect("the files can be read") {
            if let Content::Batch { payload, skip, .. } = frame.content {
                assert!(skip.is_none(), "nothing is set aside in a world");
                batches.push(payload.to_vec());
            }
        }
        let mut held = before.filter(|before| batches.starts_with(&before.batches)).unwrap_or_else(|| Self {
            exchange: Exchange::new(Mode::Live, RulesVersion::NEWEST),
            done: BTreeMap::new(),
            happened: Vec::new(),
            lost: BTreeSet::new(),
            is_torn: false,
            digests: BTreeMap::new(),
            compared,
            batches: Vec::new(),
        });
        held = Self { is_torn: false, digests: BTreeMap::new(), compared, ..held };
        for payload in &batches[held.batches.len()..] {
            held.execute(&Batch::<Command>::decode(payload).expect("a whole frame holds a batch"));
        }
        held.batches = batches;
        match reader.finish().expect("the files can be read") {
            Verdict::Clean { .. } => Some(held),
            Verdict::TornTail { .. } => Some(Self { is_torn: true, ..held }),
            Verdict::Corrupt(_) | Verdict::Gap(_) => None,
        }
    }

    fn execute(&mut self, batch: &Batch<Command>) {
        assert_eq!(batch.header.first.0, self.exchange.sequence().0 + 1, "the order has no gap");
        for entry in &batch.entries {
            let sequence = Sequence(self.exchange.sequence().0 + 1);
            let mut events = Vec::new();
            let outcome = self.exchange.apply(
                sequence,
                batch.header.at,
                entry.sender,
                entry.id,
                &entry.command,
                &mut events,
            );
            assert!(self.exchange.is_conserved(), "money is conserved");
            let name = (entry.sender, entry.id);
            if entry.sender == IdentityId::SYSTEM {
                if let Command::LineLost { identity } = entry.command {
                    self.lost.insert(identity);
                }
            } else if let Some(first) = self.done.get(&name) {
                assert!(events.is_empty(), "{name:?} comes again and makes something happen");
                assert_eq!(first.command, entry.command, "{name:?} comes again with the same content");
            } else {
                let answer = Answer { sequence, outcome };
                self.done.insert(name, Done { command: entry.command.clone(), answer });
            }
            self.happened.extend(events.into_iter().map(|event| Happened { sequence, event }));
        }
        if self.exchange.sequence() > self.compared {
            self.digests.insert(self.exchange.sequence(), self.exchange.state_digest());
        }
    }

    /// Somebody was told nothing else than what is here, in the order in which it is here, and nothing that was not for it.
    pub(super) fn assert_told(&self, trader: &Trader) {
        let identity = trader.identity;
        assert_eq!(self.first_other_answer(trader), None, "identity {identity} was answered otherwise");
        for id in trader.answers.keys() {
            assert_eq!(
                self.done[&(identity, *id)].command,
                trader.sent[id],
                "command {id} of identity {identity}"
            );
        }
        for id in &trader.refused {
            assert!(
                !self.done.contains_key(&(identity, *id)),
                "command {id} of identity {identity} was refused"
            );
        }
        assert_eq!(self.first_other(trader), None, "identity {identity} was told what there is not");
    }

    /// The first answer that somebody was given, or a copy of, and that is not here, or not so.
    pub(super) fn first_other_answer(&self, trader: &Trader) -> Option<((IdentityId, CommandId), Answer)> {
        let own = trader.answers.iter().map(|(id, answer)| ((trader.identity, *id), *answer));
        let copies = trader.copies.iter().map(|copied| ((copied.identity, copied.id), copied.answer));
        own.chain(copies)
            .find(|(name, answer)| self.done.get(name).is_none_or(|done| !done.is_answered(*answer)))
    }

    /// The first event that somebody was told and that is not here, or not so.
    pub(super) fn first_other<'a>(&self, trader: &'a Trader) -> Option<&'a Numbered> {
        let mut shown = (1..).zip(self.shown_to(trader));
        trader.told.iter().find(|told| {
            shown.next().is_none_or(|(number, (sequence, event))| {
                (told.number, told.sequence, &told.event) != (number, sequence, &event)
            })
        })
    }

    /// How many events there are for somebody.
    pub(super) fn count_for(&self, trader: &Trader) -> usize {
        self.shown_to(trader).count()
    }

    fn shown_to(&self, trader: &Trader) -> impl Iterator<Item = (Sequence, Event)> {
        let (participant, reads_all) = (trader.participant, trader.reads_all());
        self.happened.iter().filter_map(move |Happened { sequence, event }| {
            event.shown_to(participant, reads_all).map(|event| (*sequence, event))
        })
    }
}

/// Nobody was told another's price before the auction was cleared in which it was bid. Every price is bid once in a world, so wherever one is seen,
/// it was told.
pub(super) fn assert_sealed(traders: &[Trader]) {
    for reader in traders {
        let mut sealed: BTreeMap<AuctionId, BTreeSet<String>> = BTreeMap::new();
        for other in traders.iter().filter(|other| other.participant != reader.participant) {
            for (auction, price) in other.prices() {
                sealed.entry(auction).or_default().insert(format!("{price:?}"));
            }
        }
        for numbered in &reader.told {
            if let Event::AuctionCleared { auction, .. } = &numbered.event {
                sealed.remove(auction);
            }
            let told = format!("{:?}", numbered.event);
            for (begins, _) in told.match_indices("Price(") {
                let price = told[begins..].split_inclusive(')').next().expect("it begins somewhere");
                let is_sealed = sealed.values().any(|prices| prices.contains(price));
                assert!(!is_sealed, "{price} was told to identity {}: {told}", reader.identity);
            }
        }
    }
}
