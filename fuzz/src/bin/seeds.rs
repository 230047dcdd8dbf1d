//! Writes the seeds of every corpus from the golden journal and a market day's: `golv demo --data DIR`, and then in `fuzz/`
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
    recovery_seeds(&corpus.join("recovery"))
}

/// Two segments and a snapshot of the golden journal, whole and in part.
fn recovery_seeds(corpus: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/journal/golden");
    let names = ["archive/00000001.journal", "00000002.journal", "00000002.snapshot"];
    let files = names.map(|name| fs::read(golden.join(name)));
    let [first, second, snapshot] = files;
    let (first, second, snapshot) = (without_zeros(first?), without_zeros(second?), snapshot?);
    for (name, files) in [
        ("header", vec![&first[..128]]),
        ("one-segment", vec![&first]),
        ("two-segments", vec![&first, &second]),
        ("snapshot", vec![&first, &second, &snapshot]),
        ("without-its-beginning", vec![&[], &second, &snapshot]),
    ] {
        let files = files.into_iter().flat_map(|file| {
            let length = u16::try_from(file.len()).expect("a short file").to_le_bytes();
            [&length[..], file].concat()
        });
        fs::write(corpus.join(name), std::iter::once(1).chain(files).collect::<Vec<u8>>())?;
    }
    Ok(())
}

fn without_zeros(mut file: Vec<u8>) -> Vec<u8> {
    file.truncate(file.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
    file
}
