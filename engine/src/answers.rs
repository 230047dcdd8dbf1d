//! Ask twice, get it once: the answers that each identity has been given.
//!
//! Command ids strictly increase per identity. The highest is kept, and the last
//! [`ANSWERS_KEPT`] answers with a hash of their commands' content, so that a command sent again after a
//! doubt is answered as at first and never done twice. All of this is a function of the journal, and
//! therefore survives a restart. The highest id is that of the last answer, since the last one is always kept.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{CommandId, IdentityId, Sequence};
use crate::reject::Reject;

/// How many answers are kept for each identity.
pub const ANSWERS_KEPT: usize = 1024;

/// What a command was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The command's place in the order of the world.
    pub sequence: Sequence,
    /// Whether it was done, or why not.
    pub outcome: Result<(), Reject>,
}

/// What the kept answers say of a command.
pub(crate) enum Recall {
    /// It was not seen before.
    New,
    /// It was answered before, with the same content.
    Again(Answer),
    /// It cannot be executed: too old, or its id was used for something else.
    Refused(Reject),
}

/// In order of command id, the oldest first; at most [`ANSWERS_KEPT`].
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "VecDeque<(CommandId, Digest, Answer)>")]
struct Kept(VecDeque<(CommandId, Digest, Answer)>);

/// The kept answers of all identities.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answers(BTreeMap<IdentityId, Kept>);

impl Answers {
    pub(crate) fn recall(&self, sender: IdentityId, id: CommandId, content: Digest) -> Recall {
        match self.0.get(&sender) {
            None => Recall::New,
            Some(kept) if id > kept.highest() => Recall::New,
            Some(kept) => match kept.find(id) {
                Some((_, hash, answer)) if *hash == content => Recall::Again(*answer),
                Some(_) => Recall::Refused(Reject::IdReused),
                None => Recall::Refused(Reject::TooOld { highest: kept.highest() }),
            },
        }
    }

    pub(crate) fn keep(&mut self, sender: IdentityId, id: CommandId, content: Digest, answer: Answer) {
        let Kept(recent) = self.0.entry(sender).or_default();
        if recent.len() == ANSWERS_KEPT {
            recent.pop_front();
        }
        recent.push_back((id, content, answer));
    }

    pub(crate) fn highest(&self, sender: IdentityId) -> CommandId {
        self.0.get(&sender).map_or(CommandId(0), Kept::highest)
    }

    pub(crate) fn find(&self, sender: IdentityId, id: CommandId) -> Option<Answer> {
        self.0.get(&sender)?.find(id).map(|(_, _, answer)| *answer)
    }
}

impl Kept {
    fn highest(&self) -> CommandId {
        self.0.back().map_or(CommandId(0), |(id, _, _)| *id)
    }

    fn find(&self, id: CommandId) -> Option<&(CommandId, Digest, Answer)> {
        // The last is asked for most, by whoever has just been given it, and is there without a search.
        if let Some(last) = self.0.back().filter(|(last, _, _)| *last == id) {
            return Some(last);
        }
        let at = self.0.binary_search_by_key(&id, |(kept, _, _)| *kept).ok()?;
        self.0.get(at)
    }
}

/// Stored answers that no identity can have been given.
#[derive(Debug, thiserror::Error)]
#[error("an identity's kept answers are at most {ANSWERS_KEPT}, in the order of their command ids")]
struct NotKept;

impl TryFrom<VecDeque<(CommandId, Digest, Answer)>> for Kept {
    type Error = NotKept;
    fn try_from(recent: VecDeque<(CommandId, Digest, Answer)>) -> Result<Self, Self::Error> {
        let in_order = recent.iter().is_sorted_by(|(id, _, _), (next, _, _)| id < next);
        if in_order && recent.len() <= ANSWERS_KEPT { Ok(Self(recent)) } else { Err(NotKept) }
    }
}
