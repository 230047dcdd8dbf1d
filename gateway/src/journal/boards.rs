//! What an export leaves sealed of boards, for good: entries' limits, who joined a group for how much, and negotiations.
//!
//! An auditor is never told these, and they say as much after an entry is gone as before. A deal is told to auditors, and so is whose
//! an entry is. Where a refusal would tell a limit, its number alone is shown.

use golv_engine::command::Command;
use golv_engine::event::Event;
use serde_json::{Value, json};

use crate::command_line::show::{command_json, command_name, event_name, happened_json};

/// A command that says what is sealed, without that; `None` for every other.
pub(super) fn sealed_command(command: &Command) -> Option<Value> {
    match command {
        Command::PostEntry { .. } | Command::ReplaceEntry { .. } => {
            Some(without_limit(command_json(command)))
        }
        // Dual prices are between the limits of those who meet.
        Command::ProposeDeals { .. } => {
            let mut object = command_json(command);
            object["duals"] = Value::Null;
            object["sealed"] = true.into();
            Some(object)
        }
        Command::JoinGroup { .. }
        | Command::LeaveGroup { .. }
        | Command::Negotiate { .. }
        | Command::CounterTerms { .. }
        | Command::AcceptTerms { .. }
        | Command::EndNegotiation { .. } => Some(json!({ "command": command_name(command), "sealed": true })),
        _ => None,
    }
}

/// An event that tells what is sealed, without that; `None` for every other.
pub(super) fn sealed_event(event: &Event) -> Option<Value> {
    match event {
        Event::EntryPosted { .. } | Event::EntryReplaced { .. } => Some(without_limit(happened_json(event))),
        Event::RoundBook { board, digest, .. } => Some(json!({
            "event": event_name(event),
            "board": board.0,
            "digest": digest.to_string(),
            "sealed": true,
        })),
        Event::GroupJoined { .. }
        | Event::GroupLeft { .. }
        | Event::NegotiationOpened { .. }
        | Event::TermsCountered { .. }
        | Event::TermsAccepted { .. }
        | Event::NegotiationEnded { .. } => Some(json!({ "event": event_name(event), "sealed": true })),
        _ => None,
    }
}

fn without_limit(mut object: Value) -> Value {
    object["limit"] = Value::Null;
    object["sealed"] = true.into();
    object
}
