//! `golv sim run`: one policy on historic prices, on the engine, behind a journal, or on an exchange elsewhere.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId, ParticipantId};
use golv_engine::key::KeyFingerprint;
use golv_engine::{Answer, Exchange, Mode, RulesVersion, command::Command};
use golv_sim::desk::founding;
use golv_sim::play::{
    AUDITOR, Outcome, PUBLISHER, Play, PlayError, PricePath, identities as everybody, start,
};
use golv_sim::scenario::{Policy, Scenario};
use golv_sim::venue::{EngineVenue, Venue};
use indicatif::ProgressBar;

use super::connected::Connected;
use super::source::{self, Source, SourceError};
use super::told::Told;
use crate::command_line::statement::{Scope, Statement};
use crate::pipeline::{Creation, Pipeline, Waiting};
use crate::print;
use crate::venue::LocalVenue;

/// What to play, and where.
#[derive(Args, Debug)]
pub struct Run {
    /// The scenario: a name of golv sim scenarios, or a file that ends in .toml
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The policy, by its key; if not given, the first that supports anybody
    #[arg(long, value_name = "KEY")]
    policy: Option<String>,
    /// Play it behind a journal in this new or empty directory, and keep that
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    #[command(flatten)]
    connected: Connected,
    /// Print one JSON object instead of tables, with everybody's statement
    #[arg(long)]
    json: bool,
}

/// Plays a policy and prints what came out.
pub(super) fn run(options: &Run) -> Result<(), Box<dyn Error>> {
    let scenario = Source::find(&options.scenario)?.scenario()?;
    let policy = chosen(&scenario, options.policy.as_deref())?;
    let (history, _) = PricePath::historic(&scenario)?;
    let stage = Stage { scenario: &scenario, policy, path: &history.shocked(&scenario) };
    let (outcome, statements) = match (&options.data, options.connected.given()) {
        (Some(dir), _) => stage.behind_a_journal(dir)?,
        (None, Some(reached)) => reached.play(&stage)?,
        (None, None) => stage.on_the_engine()?,
    };
    let told = Told::new(&scenario, policy, outcome, &statements);
    if options.json {
        print::line(told.json());
    } else {
        print::line(told.tables());
    }
    Ok(())
}

fn chosen<'a>(scenario: &'a Scenario, key: Option<&str>) -> Result<&'a Policy, SourceError> {
    match key {
        Some(key) => source::policy(scenario, key),
        None => {
            let supports = scenario.policies.iter().find(|policy| policy.programme().is_some());
            Ok(supports.unwrap_or_else(|| scenario.baseline()))
        }
    }
}

/// What came out, and everybody's statement.
pub(super) type Played = (Outcome, Vec<Statement>);

/// What is to be played.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) scenario: &'a Scenario,
    policy: &'a Policy,
    path: &'a PricePath,
}

impl Stage<'_> {
    /// Plays it on a venue, and gives that back.
    pub(super) fn play<V: Venue>(&self, venue: V) -> Result<(Played, V), PlayError<V::Error>> {
        let parties = everybody(self.scenario).into_iter().filter(|id| ![PUBLISHER, AUDITOR].contains(&id.0));
        let statements = parties.map(|identity| Statement::new(ParticipantId(identity.0), Scope::All));
        // Hidden by itself where standard error is not a terminal.
        let progress = ProgressBar::new_spinner();
        let noting = Noting { venue, statements: statements.collect(), progress };
        let (outcome, noting) = Play::new(noting, self.scenario, self.policy, self.path).run()?;
        noting.progress.finish_and_clear();
        Ok(((outcome, noting.statements), noting.venue))
    }

    fn on_the_engine(&self) -> Result<Played, Box<dyn Error>> {
        let start = start(self.scenario).ok_or(NoDay)?;
        let exchange = Exchange::new(Mode::Rehearsal, RulesVersion::NEWEST);
        let (played, _) = self.play(EngineVenue::found(exchange, start, &founding(|_| None)))?;
        Ok(played)
    }

    fn behind_a_journal(&self, dir: &Path) -> Result<Played, Box<dyn Error>> {
        let start = start(self.scenario).ok_or(NoDay)?;
        let creation = Creation::Rehearsal { seed: self.scenario.seed, start };
        let pipeline = Pipeline::create(dir, creation, founding(|_| None), Waiting::Park)?;
        let played = pipeline.connect().map_err(Box::<dyn Error>::from).and_then(|session| {
            let (played, _) = self.play(LocalVenue::new(session, None))?;
            Ok(played)
        });
        // If the journal failed, that is the reason for whatever went wrong in the play.
        pipeline.stop()?;
        played
    }
}

/// The month before the scenario's first cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("the month before the scenario's first lies beyond what an exchange can date")]
pub(super) struct NoDay;

/// A venue whose events become statements on the way.
struct Noting<V> {
    venue: V,
    statements: Vec<Statement>,
    progress: ProgressBar,
}

impl<V: Venue> Venue for Noting<V> {
    type Error = V::Error;

    fn submit(&mut self, sender: IdentityId, id: CommandId, command: Command) -> Result<Answer, V::Error> {
        if let Command::SetClock { to } = command {
            self.progress.set_message(format!("playing {to}"));
            self.progress.tick();
        }
        self.venue.submit(sender, id, command)
    }

    fn key(&self, identity: IdentityId) -> Option<KeyFingerprint> {
        self.venue.key(identity)
    }

    fn next_event(&mut self) -> Result<Event, V::Error> {
        let event = self.venue.next_event()?;
        for statement in &mut self.statements {
            statement.add(&event);
        }
        Ok(event)
    }
}
