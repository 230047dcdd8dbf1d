//! Purchasing groups: buyers who request together, led by one of them.
//!
//! A group is a request that others can join. It wants what all of its members want, and pays no more than the least of what each
//! would. Its lead answers for all; a deal is split in proportion to what each wants, in whole lots by largest remainder. Members come
//! and go until the group is promised to somebody or a round is called. The lead can send a member away: one that would
//! pay next to nothing stops a group from buying.
//!
//! On one board an owner acts either alone or in one group, so that nobody buys twice under one cap, or from itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::board::{EntryEnd, Listed, Party};
use super::negotiation::NegotiationEnd;
use crate::book::Side;
use crate::event::{Event, Events};
use crate::exchange::State;
use crate::id::{EntryId, ParticipantId};
use crate::num::{Price, Quantity, pro_rata};
use crate::participant::Role;
use crate::reject::Reject;

/// What a member of a group wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stake {
    pub(super) quantity: Quantity,
    /// The most that it pays.
    pub(super) limit: Price,
}

/// The most members of one group.
// Rules: R-BIL-027.
const MEMBERS_MAX: usize = 256;

impl Stake {
    /// What members want together, and the most that all of them pay; `None` where it does not fit or nobody wants anything.
    // Rules: R-BIL-021.
    pub(super) fn pooled(members: &BTreeMap<ParticipantId, Self>) -> Option<(Quantity, Price)> {
        let quantity = members
            .values()
            .try_fold(Quantity::ZERO, |sum, stake| sum.checked_add(stake.quantity))
            .filter(|quantity| !quantity.is_zero())?;
        let limit = members.values().map(|stake| stake.limit).min()?;
        Some((quantity, limit))
    }
}

impl State {
    /// A participant joins a group.
    pub(crate) fn join_group(
        &mut self,
        participant: ParticipantId,
        id: EntryId,
        quantity: Quantity,
        limit: Price,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let entry = self.entry(id)?;
        let members = entry.members.as_ref().ok_or(Reject::NotAGroup { entry: id })?;
        self.check_movable(id, entry)?;
        if !self.registry.participant(participant)?.roles.contains(&Role::Buyer) {
            return Err(Reject::WrongSide);
        }
        self.check_alone(entry.board, Party::Participant(participant), true)?;
        self.check_across(entry, participant)?;
        if members.len() >= MEMBERS_MAX {
            return Err(Reject::BoardFull { most: u32::try_from(MEMBERS_MAX).unwrap_or(u32::MAX) });
        }
        self.market(self.board(entry.board)?.terms.market)?.check_quantity(quantity)?;
        self.check_limit(entry.board, entry.listing.side, limit)?;
        entry.listing.quantity.checked_add(quantity).ok_or(Reject::AmountTooLarge)?;
        let lead = entry.party.participant();
        out.push(Event::GroupJoined { entry: id, lead, member: participant, quantity, limit });
        self.set_stake(id, participant, Some(Stake { quantity, limit }), out);
        Ok(())
    }

    /// Refuses to join who would then deal with its own owner: one that the group has asked, who needs no entry for that.
    // Rules: R-BIL-026.
    fn check_across(&self, entry: &Listed, participant: ParticipantId) -> Result<(), Reject> {
        let owner = self.owner_of(Party::Participant(participant));
        let negotiations = entry.negotiations.iter().filter_map(|id| self.bilateral.negotiations.get(id));
        let mut others = negotiations.map(|negotiation| negotiation.seat(Side::Sell).party);
        if others.any(|other| self.owner_of(other) == owner) { Err(Reject::SameOwner) } else { Ok(()) }
    }

    /// A member leaves a group, by itself or sent away by the lead.
    // Rules: R-BIL-024.
    pub(crate) fn leave_group(
        &mut self,
        by: ParticipantId,
        id: EntryId,
        member: ParticipantId,
        out: &mut Events,
    ) -> Result<(), Reject> {
        let entry = self.entry(id)?;
        let members = entry.members.as_ref().ok_or(Reject::NotAGroup { entry: id })?;
        let is_lead = entry.party == Party::Participant(by);
        // A lead that goes takes the group along: that is to withdraw the entry.
        let is_leads = entry.party == Party::Participant(member);
        if !members.contains_key(&member) || is_leads || (by != member && !is_lead) {
            return Err(Reject::NotAMember);
        }
        self.check_movable(id, entry)?;
        self.remove_member(id, member, out);
        Ok(())
    }

    /// Refuses to change who is in a group that takes part in a round or has promised something.
    // Rules: R-BIL-020, R-BIL-024.
    fn check_movable(&self, id: EntryId, entry: &Listed) -> Result<(), Reject> {
        self.check_still(id, entry)?;
        if entry.held.is_zero() { Ok(()) } else { Err(Reject::GroupPromised) }
    }

    /// A stopped member leaves whatever the group has promised, which is then void.
    // Rules: R-BIL-028.
    pub(super) fn drop_member(&mut self, id: EntryId, member: ParticipantId, out: &mut Events) {
        let Some(entry) = self.bilateral.entries.get(&id) else { return };
        for negotiation in entry.negotiations.clone() {
            self.end_negotiation(negotiation, NegotiationEnd::Withdrawn, out);
        }
        self.remove_member(id, member, out);
    }

    fn remove_member(&mut self, id: EntryId, member: ParticipantId, out: &mut Events) {
        let lead = self.bilateral.entries.get(&id).and_then(|entry| entry.party.participant());
        out.push(Event::GroupLeft { entry: id, lead, member });
        self.set_stake(id, member, None, out);
    }

    /// Changes what a member wants, or that it is one, and with that what the group wants and pays.
    fn set_stake(&mut self, id: EntryId, member: ParticipantId, stake: Option<Stake>, out: &mut Events) {
        let Some(entry) = self.bilateral.entries.get_mut(&id) else { return };
        let Some(members) = &mut entry.members else { return };
        match stake {
            Some(stake) => members.insert(member, stake),
            None => members.remove(&member),
        };
        if let Some((quantity, limit)) = Stake::pooled(members) {
            entry.limit = limit;
            entry.listing.quantity = quantity;
            out.push(Event::EntryQuantity { entry: id, board: entry.board, quantity });
        } else {
            // Whoever is left has what it wanted.
            self.close_entry(id, EntryEnd::Withdrawn, out);
        }
    }

    /// What each member of a group gets of a deal, which is taken off what it wants.
    // Rules: R-BIL-023.
    pub(super) fn split(&mut self, id: EntryId, lots: i64, lot: Quantity) -> Vec<(ParticipantId, Quantity)> {
        let Some(members) = self.bilateral.entries.get_mut(&id).and_then(|entry| entry.members.as_mut())
        else {
            return Vec::new();
        };
        let in_lots = |quantity: Quantity| quantity.millionths().checked_div(lot.millionths()).unwrap_or(0);
        let wanted: Vec<i64> = members.values().map(|stake| in_lots(stake.quantity)).collect();
        let mut shares = Vec::new();
        for ((&member, stake), share) in members.iter_mut().zip(pro_rata(lots, &wanted, 1)) {
            let share = share.checked_mul(lot.millionths()).and_then(Quantity::from_millionths);
            let share = share.unwrap_or(Quantity::ZERO);
            stake.quantity = stake.quantity.checked_sub(share).unwrap_or(Quantity::ZERO);
            if !share.is_zero() {
                shares.push((member, share));
            }
        }
        members.retain(|_, stake| !stake.quantity.is_zero());
        shares
    }
}
