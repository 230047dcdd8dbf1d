//! The running pipeline in this process as a venue.

use std::collections::VecDeque;

use golv_engine::Answer;
use golv_engine::command::Command;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId};
use golv_protocol::message::Position;
use golv_sim::venue::Venue;

use super::Acknowledge;
use crate::pipeline::{Answered, LocalSession, Message, SubmitError};

/// A session with the pipeline that waits for each answer.
pub(crate) struct LocalVenue {
    session: LocalSession,
    events: VecDeque<Event>,
    acknowledge: Option<Acknowledge>,
}

impl LocalVenue {
    pub(crate) fn new(session: LocalSession, acknowledge: Option<Acknowledge>) -> Self {
        Self { session, events: VecDeque::new(), acknowledge }
    }

    /// Keeps events; gives answers back.
    fn note(&mut self, message: Message) -> Option<(Box<[Answered]>, Position)> {
        match message {
            Message::Answered { answers, position } => Some((answers, position)),
            Message::Happened { batch, .. } => {
                self.events.extend(batch.iter().map(|happened| happened.event.clone()));
                None
            }
            // For sessions from outside; an exchange that stops ends the queue as well.
            Message::LoggedOn { .. }
            | Message::Behind { .. }
            | Message::Copied { .. }
            | Message::PublicState { .. }
            | Message::Closing(_) => None,
        }
    }
}

impl Venue for LocalVenue {
    type Error = SubmitError;

    fn submit(&mut self, sender: IdentityId, id: CommandId, command: Command) -> Result<Answer, SubmitError> {
        self.session.send(sender, id, command)?;
        loop {
            let message = self.session.receive()?;
            let Some((answers, position)) = self.note(message) else { continue };
            let own = answers.iter().find(|answered| (answered.sender, answered.id) == (sender, id));
            if let Some(Answered { answer, .. }) = own {
                if let Some(acknowledge) = self.acknowledge {
                    acknowledge(sender, id, answer, position);
                }
                return Ok(*answer);
            }
        }
    }

    fn next_event(&mut self) -> Result<Event, SubmitError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let message = self.session.receive()?;
            self.note(message);
        }
    }
}
