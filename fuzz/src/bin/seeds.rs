//! Writes the seeds of every corpus from a market day's journal: `golv demo --data DIR`, and then in `fuzz/`
//! `cargo run --bin seeds DIR`.

use std::fs;
use std::path::Path;

use golv_engine::command::Command;
use golv_engine::id::IdentityId;
use golv_journal::{Content, scan};
use golv_protocol::batch::{Batch, Entry};
use golv_protocol::frame::write_frame;
use golv_protocol::message::ClientMessage;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let journal =
        std::env::args_os().nth(1).ok_or("usage: seeds DIR, where golv demo --data has put a journal")?;
    let journal = Path::new(&journal);
    let mut reader = scan(journal)?;
    let mut entries: Vec<Entry<Command>> = Vec::new();
    let mut kinds = std::collections::BTreeSet::new();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in ["codec", "recovery", "commands", "session"] {
        fs::create_dir_all(corpus.join(target))?;
    }
    while let Some(frame) = reader.next_frame()? {
        let Content::Batch { payload, .. } = frame.content else { continue };
        let batch = Batch::<Command>::decode(payload)?;
        for entry in batch.entries {
            let kind = match &entry.command {
                Command::Propose { action } => {
                    format!("{action:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
                }
                other => other.name().to_owned(),
            };
            if kinds.insert(kind.clone()) {
                let mut bytes = Vec::new();
                golv_protocol::encode(&entry.command, &mut bytes)?;
                fs::write(corpus.join("codec").join(kind), bytes)?;
            }
            entries.push(entry);
        }
    }
    // One trader's commands, as its client frames them.
    let trader = IdentityId(101);
    let mut frames = Vec::new();
    for entry in entries.iter().filter(|entry| entry.sender == trader) {
        let message = ClientMessage::Submit { id: entry.id, command: entry.command.clone() };
        write_frame(&message, &mut frames)?;
    }
    write_frame(&ClientMessage::Heartbeat, &mut frames)?;
    fs::write(corpus.join("session/trader"), frames)?;
    // The whole day would be slow to replay at each mutation: its beginning, up to the support auction's award.
    let day: Vec<u8> = entries
        .iter()
        .filter(|entry| entry.sender.0 <= 255 && !matches!(entry.command, Command::Tick))
        .take(120)
        .flat_map(|entry| golv_fuzz::record(entry, 0))
        .collect();
    fs::write(corpus.join("commands/day"), day)?;
    let segment = fs::read(journal.join("00000001.journal"))?;
    fs::write(corpus.join("recovery/beginning"), &segment[..4096.min(segment.len())])?;
    fs::write(corpus.join("recovery/header"), &segment[..128])?;
    Ok(())
}
