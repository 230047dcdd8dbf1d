//! Venues for the simulator beside the bare engine: the running pipeline in this process, and an exchange over QUIC.

mod local;
mod quic;

use golv_engine::Answer;
use golv_engine::id::{CommandId, IdentityId};
use golv_protocol::message::Position;

pub(crate) use local::LocalVenue;
pub(crate) use quic::{QuicVenue, Way};

/// What is done with a command that was answered.
pub(crate) type Acknowledge = fn(IdentityId, CommandId, &Answer, Position);
