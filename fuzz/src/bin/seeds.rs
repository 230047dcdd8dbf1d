//! Writes the seeds of every corpus from the golden journal, a market day's, and the rule books' examples: `golv demo --data DIR`,
//! and then in `fuzz/` `cargo run --bin seeds DIR`.

use std::fs;
use std::path::Path;

use golv_engine::book::Side;
use golv_engine::clearing::Rule;
use golv_engine::command::Command;
use golv_engine::id::IdentityId;
use golv_engine::num::Quantity;
use golv_fuzz::clearing::{Case, Given};
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
    for target in ["codec", "recovery", "commands", "session", "clear"] {
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
    recovery_seeds(&corpus.join("recovery"))?;
    clear_seeds(&corpus.join("clear"))
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

/// Books in which something is at an end of what there is, each with the flags of `golv clear` (and the other fields of a rule
/// file, written as such) and its rows.
const EDGES: [(&str, &str, &str); 14] = [
    ("edge-market-orders-alone", "--rule euronext --reference-price 250", "buy,,900,\nsell,,800,\n"),
    ("edge-undecided", "--rule euronext", "buy,,900,\nsell,,800,\n"),
    ("edge-bounds-are-one-price", "--rule asx --floor 7 --ceiling 7", "buy,9,2,\nsell,1,1,\n"),
    ("edge-bounds-without-a-limit", "--rule krx --quote 3:5", "buy,9,2,\nsell,1,1,\n"),
    ("edge-band", "--rule bnb --tick 0.3 --reference-price 9.9 --band 0.1", "buy,12,2,\nsell,3,1,\n"),
    ("edge-minimums", "--rule pay-as-clear --allocation minimum-fill", "buy,5,9,6\nbuy,5,6,5\nsell,1,10,\n"),
    (
        "edge-lots",
        "--rule xetra-equities --allocation seeded-lot --seed 7",
        "buy,5,3,\nbuy,5,3,\nsell,1,4,\n",
    ),
    (
        "edge-quantity-priority",
        "--rule krx --lot 10",
        "buy,5,10000,\nbuy,5,5000,\nbuy,5,1000,\nbuy,5,200,\nsell,1,13100,\n",
    ),
    ("edge-over-allotted", "--rule us-treasury", "sell,5,300,\nsell,5,200,\nbuy,,400,\n"),
    ("edge-own-prices", "--rule pay-as-bid", "buy,5,3,\nbuy,,1,\nsell,2,3,\nsell,3,9,\n"),
    (
        "edge-middle-of-all-prices",
        "--rule moex --candidates interval --rounding half-even",
        "buy,9223372036854.775807,9223372036854.775807,\nsell,-9223372036854.775808,9223372036854.775807,\n",
    ),
    (
        "edge-largest-tick",
        "--rule asx --tick 9223372036854.775807 --reference-price 1",
        "buy,9223372036854.775807,1,\nsell,-9223372036854.775807,1,\n",
    ),
    ("edge-total-too-large", "--rule nse", "buy,1,9223372036854.775807,\nbuy,1,0.000001,\nsell,1,1,\n"),
    ("edge-off-the-tick", "--rule moex --tick 2", "buy,3,1,\nsell,1,1,\n"),
];

/// Every rule book's example with a book of its own, and the edges.
fn clear_seeds(corpus: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/data/rulebooks");
    for entry in fs::read_dir(examples)? {
        let folder = entry?;
        let Ok(book) = fs::read_to_string(folder.path().join("book.csv")) else { continue };
        let flags = fs::read_to_string(folder.path().join("arguments"))?;
        fs::write(corpus.join(folder.file_name()), case(&flags, &book)?.to_bytes())?;
    }
    for (name, flags, rows) in EDGES {
        let rows = rows.lines().enumerate().map(|(number, row)| format!("{number},{row}\n"));
        let book = format!("id,side,price,quantity,min_quantity\n{}", rows.collect::<String>());
        fs::write(corpus.join(name), case(flags, &book)?.to_bytes())?;
    }
    Ok(())
}

/// A case of the `clear` target: a preset with flags over it, which are the names of its fields, and a book as CSV.
fn case(flags: &str, book: &str) -> Result<Case, Box<dyn std::error::Error>> {
    let flags: Vec<&str> = flags.split_whitespace().collect();
    let mut rule = toml::Table::new();
    let mut seed = None;
    for pair in flags.chunks(2) {
        match *pair {
            ["--rule", preset] => {
                let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/rules");
                rule = fs::read_to_string(rules.join(preset).with_extension("toml"))?.parse()?;
            }
            ["--seed", number] => seed = Some(number.parse()?),
            [flag, value] => drop(rule.insert(flag.trim_start_matches('-').to_owned(), value.into())),
            _ => return Err(format!("a flag without a value: {pair:?}").into()),
        }
    }
    let mut lines = book.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let rows: Vec<Vec<&str>> = lines.collect();
    let field = |row: &[&'_ str], column: &str| -> String {
        let place = header.iter().position(|name| *name == column);
        place.and_then(|place| row.get(place)).copied().unwrap_or("").to_owned()
    };
    let mut ids: Vec<String> = rows.iter().map(|row| field(row, "id")).collect();
    ids.sort();
    let given = |(number, row): (usize, &Vec<&str>)| -> Result<Given, Box<dyn std::error::Error>> {
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let price = field(row, "price");
        Ok(Given {
            letter: u8::try_from(ids.binary_search(&field(row, "id")).expect("it is one of them"))?,
            side: if field(row, "side") == "buy" { Side::Buy } else { Side::Sell },
            price: if price.is_empty() { None } else { Some(price.parse()?) },
            quantity: field(row, "quantity").parse()?,
            min_quantity: or(field(row, "min_quantity"), &Quantity::ZERO.to_string()).parse()?,
            received: or(field(row, "received"), &number.to_string()).parse()?,
        })
    };
    let orders = rows.iter().enumerate().map(given).collect::<Result<_, _>>()?;
    Ok(Case { rule: rule.try_into::<Rule>()?, seed, orders })
}
