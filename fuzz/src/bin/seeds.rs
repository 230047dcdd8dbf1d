//! Writes the seeds of every corpus from the golden journal, a market day's, the rule books' examples and what the targets have of
//! their own, and the dictionaries: `golv demo --data DIR`, and then `cargo run -p golv-fuzz --bin seeds DIR`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use golv_engine::book::Side;
use golv_engine::clearing::Rule;
use golv_engine::command::Command;
use golv_engine::id::CommandId;
use golv_engine::num::Quantity;
use golv_engine::support::SupportRule;
use golv_fuzz::clearing::{Case, Given};
use golv_fuzz::client::conversation;
use golv_fuzz::commands::record;
use golv_fuzz::everything::everything;
use golv_fuzz::world::numbered;
use golv_fuzz::{matching, settling, support};
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
    for (target, _) in golv_fuzz::TARGETS {
        fs::create_dir_all(corpus.join(target))?;
    }
    // What a command begins with: its number, and that of the action that it proposes.
    let mut begins = BTreeMap::new();
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
                let number = if matches!(entry.command, Command::Propose { .. }) { 8 } else { 4 };
                begins.insert(kind.clone(), bytes[..number].to_vec());
                fs::write(corpus.join("codec").join(kind), bytes)?;
            }
            entries.push(entry);
        }
    }
    // One trader's commands, as its client frames them.
    let is_bid = |entry: &&Entry<Command>| matches!(entry.command, Command::PlaceBid { .. });
    let trader = entries.iter().find(is_bid).map(|entry| entry.sender).ok_or("a journal without a bid")?;
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
        .flat_map(|entry| record(entry.sender, 0, &renumbered(entry.command.clone())))
        .collect();
    // Before the founding.
    fs::write(corpus.join("commands/day"), [vec![0], day].concat())?;
    fs::write(corpus.join("commands/everything"), everything())?;
    fs::write(corpus.join("client/conversation"), conversation())?;
    for (name, case) in matching::seeds() {
        fs::write(corpus.join("match").join(name), case.to_bytes())?;
    }
    for (name, seed) in settling::seeds() {
        fs::write(corpus.join("settle").join(name), seed)?;
    }
    dictionaries(&begins)?;
    recovery_seeds(&corpus.join("recovery"))?;
    clear_seeds(&corpus.join("clear"))?;
    support_seeds(&corpus.join("support"))
}

/// A command that names others by the numbers that the `commands` target gives them.
fn renumbered(mut command: Command) -> Command {
    match &mut command {
        Command::Confirm { proposal } | Command::WithdrawProposal { proposal } => {
            proposal.command = numbered(proposal.identity, proposal.command.0);
        }
        Command::ReplaceBid { bid, .. }
        | Command::WithdrawBid { bid, .. }
        | Command::AcceptAward { bid, .. }
        | Command::DeclineAward { bid, .. } => bid.command = numbered(bid.identity, bid.command.0),
        _ => {}
    }
    command
}

/// The dictionaries of targets whose inputs are formats: what commands, messages and files begin with.
fn dictionaries(commands: &BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries");
    fs::create_dir_all(&folder)?;
    let entry = |(name, bytes): (&String, &Vec<u8>)| {
        let bytes: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("{name}=\"{bytes}\"\n")
    };
    let commands_of: String = commands.iter().map(entry).collect();
    fs::write(folder.join("codec.dict"), &commands_of)?;
    let mut frames = BTreeMap::new();
    for (name, message) in [
        ("Heartbeat", ClientMessage::Heartbeat),
        ("Downloaded", ClientMessage::Downloaded { number: 1 }),
        ("Download", ClientMessage::Download { number: 1 }),
        ("Watch", ClientMessage::Watch),
        ("Tick", ClientMessage::Submit { id: CommandId(1), command: Command::Tick }),
        ("WithdrawAll", ClientMessage::Submit { id: CommandId(2), command: Command::WithdrawAll }),
    ] {
        let mut frame = Vec::new();
        write_frame(&message, &mut frame)?;
        frames.insert(format!("frame_{name}"), frame);
    }
    let frames: String = frames.iter().map(entry).collect();
    fs::write(folder.join("session.dict"), frames + &commands_of)?;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/journal/golden");
    let [segment, snapshot] =
        ["00000002.journal", "00000002.snapshot"].map(|name| fs::read(golden.join(name)));
    let (segment, snapshot) = (segment?, snapshot?);
    // Magic numbers with their versions.
    let files = BTreeMap::from([
        ("segment".to_owned(), segment[..10].to_vec()),
        ("snapshot".to_owned(), snapshot[..10].to_vec()),
    ]);
    let files: String = files.iter().map(entry).collect();
    fs::write(folder.join("recovery.dict"), files + &commands_of)?;
    Ok(())
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
        "edge-draw",
        "--rule xetra-equities --allocation seeded-draw --seed 7",
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

/// A book that every support rule's offers are read from, beside their own: two of one unit, an owner twice, minima, quality, origins.
const OFFERS: &str = "price,quantity,min_quantity,owner,origin,year,quality,unit\n\
    60,400,,1,CL,2015,,\n65,400,200,2,CN,2015,1,7\n65,300,300,1,CN,2016,,\n70,500,,3,FI,2016,2,7\n4,900,,4,CL,2017,,\n";

/// A rule that has every field, since no preset does.
const EVERY_FIELD: &str = r#"
payment = "one-price"
misfit = "skip"
ties = "seeded-draw"
uncontested = "ceiling"
ceiling = "90"
lot = "1"
periods = 3
quality-rate = "2.5"
technologies = [{ name = "a", pot = "p", ceiling = "80", premium = "1" }, { name = "b", pot = "q" }]
limits = [
    { name = "all", most = { quantity = "1500" } },
    { name = "owner", each = "owner-group", most = { quantity = "600" } },
    { name = "a until 2016", technologies = ["a"], years = { until = 2016 }, most = { money = { amount = "90000", reference-price = "50" } } },
]
minima = [{ name = "some of b", technologies = ["b"], most = { quantity = "200" } }]
competition = { most-of-offered = "0.8", least-owner-groups = 2, void-if-all-win = true }
origin-cap = { share = "0.65", exempt = ["FI"], positions = [{ country = "CN", quantity = "800" }] }
"#;

/// Each support rule with the book of its tests, if it has one, and with offers that have everything; some decline.
fn support_seeds(corpus: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let books = root.join("gateway/tests/data/support");
    let mut seeds = vec![("every-field".to_owned(), EVERY_FIELD.to_owned(), OFFERS.to_owned())];
    for entry in fs::read_dir(root.join("engine/rules/support"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        seeds.push((name, fs::read_to_string(path)?, OFFERS.to_owned()));
    }
    for (preset, book) in [("european-hydrogen-bank", "hydrogen-bank"), ("stacked-budget", "two-years")] {
        let rule = fs::read_to_string(root.join("engine/rules/support").join(preset).with_extension("toml"))?;
        seeds.push((book.to_owned(), rule, fs::read_to_string(books.join(book).with_extension("csv"))?));
    }
    for (name, rule, book) in seeds {
        let rule: SupportRule = toml::from_str(&rule)?;
        if rule.check().is_err() {
            // One that gets its limits from an exchange's auction.
            continue;
        }
        let mut bytes = Vec::new();
        golv_protocol::encode(&support_case(rule, &book)?, &mut bytes)?;
        fs::write(corpus.join(name), bytes)?;
    }
    Ok(())
}

fn support_case(rule: SupportRule, book: &str) -> Result<support::Case, Box<dyn std::error::Error>> {
    let mut lines = book.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let given = |(number, row): (usize, Vec<&str>)| -> Result<support::Given, Box<dyn std::error::Error>> {
        let field = |column: &str| {
            let place = header.iter().position(|name| *name == column);
            place.and_then(|place| row.get(place)).copied().filter(|text| !text.is_empty())
        };
        let or_zero = |column: &str| field(column).unwrap_or("0");
        let named = field("technology").and_then(|name| {
            rule.technologies.iter().position(|technology| technology.name.as_str() == name)
        });
        let technology =
            named.or_else(|| (!rule.technologies.is_empty()).then(|| number % rule.technologies.len()));
        // A unit's name in a book ends with its number.
        let unit = field("unit").map(|name| name.trim_matches(char::is_alphabetic).parse()).transpose()?;
        Ok(support::Given {
            price: or_zero("price").parse()?,
            quantity: or_zero("quantity").parse()?,
            min_quantity: or_zero("min_quantity").parse()?,
            received: i64::try_from(number)?,
            owner_group: field("owner").map_or(Ok(u32::try_from(number)?), str::parse)?,
            origin: field("origin").map(str::parse).transpose()?,
            technology: technology.map(u16::try_from).transpose()?,
            year: or_zero("year").parse()?,
            quality: or_zero("quality").parse()?,
            unit,
        })
    };
    let offers = lines.enumerate().map(given).collect::<Result<_, _>>()?;
    Ok(support::Case { rule, seed: Some(7), offers, declined: 0b1010 })
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
