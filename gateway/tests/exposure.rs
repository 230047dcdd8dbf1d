//! `golv journal exposure` as an operator uses it: small programmes whose figures are worked out by hand, and files that cannot be
//! read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};
use std::sync::OnceLock;

use golv_engine::bilateral::{BoardTerms, DealTerms, Goods, Listing, Preference, PriceRule, RoundRule};
use golv_engine::book::Side;
use golv_engine::cfd::{ContractTerms, IndexTerms, Indexation, Observation, Payoff, Suspension, Upside};
use golv_engine::command::{Action, Command, Operator};
use golv_engine::id::{
    BoardId, CommandId, Counterparty, DataVersion, EntryId, FloorId, IdentityId, IndexId, MarketId,
    NegotiationId, OwnerGroup, ParticipantId, ProgrammeId, ProposalId,
};
use golv_engine::market::{FloorTerms, Market, Unit};
use golv_engine::money::{Backing, ProgrammeTerms};
use golv_engine::num::{Currency, HalfWay, Money, Price, Quantity, Share};
use golv_engine::participant::Role;
use golv_engine::text::Name;
use golv_engine::time::Instant;
use golv_gateway::pipeline::{Answered, Creation, LocalSession, Message, Pipeline, Waiting};
use serde_json::Value;
use tempfile::TempDir;

const OPERATORS: [IdentityId; 2] = [IdentityId(1), IdentityId(2)];
const SUPPLIER: u32 = 21;
const PUBLISHER: u32 = 31;
const BUYER: u32 = 41;
const MARKET: MarketId = MarketId(1);
/// What floors are settled by.
const INDEX: IndexId = IndexId(1);
/// What strikes follow.
const CONSUMER_PRICES: IndexId = IndexId(9);

/// A price floor at 100 and a two-way contract at 80, over February and March 2019.
const PLAIN: u32 = 1;
/// The same, with February of the floor settled.
const SETTLED: u32 = 2;
/// 15 t a year of 10 t a month from November to February, no price below 40, and half of what is above 120, up to 100 a year.
const CAPPED: u32 = 3;
/// Nothing is paid where prices are negative, which the market knows; February 2019.
const SUSPENDED: u32 = 4;
/// April and May 2019, with strikes that follow January's consumer prices.
const INDEXED: u32 = 5;
/// Without contracts.
const EMPTY: u32 = 6;
/// Fifteen years from January 2020 on.
const LONG: u32 = 7;
/// A price floor at 100 on a deal at 80, over April and May 2019.
const DEALT: u32 = 8;

fn instant(year: i32, month: u8) -> Instant {
    Instant::at_midnight(year, month, 1).expect("a day")
}

fn price(text: &str) -> Price {
    text.parse().expect("a price")
}

fn quantity(units: u32) -> Quantity {
    Quantity::from_units(units).expect("fits")
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// Somebody who sends one command after another, as whoever is named.
struct Hand {
    session: LocalSession,
    id: u64,
}

impl Hand {
    fn send(&mut self, sender: IdentityId, command: Command) -> u64 {
        self.id += 1;
        self.session.send(sender, CommandId(self.id), command).expect("taken");
        loop {
            if let Message::Answered { answers, .. } = self.session.receive().expect("running") {
                // One command is on its way at a time.
                let Answered { answer, .. } = answers[0];
                answer.outcome.expect("done");
                return self.id;
            }
        }
    }

    fn agree(&mut self, action: Action) {
        let id = self.send(OPERATORS[0], Command::Propose { action });
        let proposal = ProposalId { identity: OPERATORS[0], command: CommandId(id) };
        self.send(OPERATORS[1], Command::Confirm { proposal });
    }

    fn admit(&mut self, id: u32, role: Role) {
        let participant = ParticipantId(id);
        let (owner_group, roles) = (OwnerGroup(id), [role].into());
        let name = name(&format!("Participant {id}"));
        self.agree(Action::RegisterParticipant { participant, name, owner_group, roles });
        self.agree(Action::AddIdentity { identity: IdentityId(id), participant });
    }

    fn programme(&mut self, id: u32, funded: i64) {
        let programme = ProgrammeId(id);
        let terms = ProgrammeTerms {
            name: name(&format!("Programme {id}")),
            currency: Currency::Eur,
            backing: Backing::Capped,
        };
        self.agree(Action::OpenProgramme { programme, terms });
        let amount = Money { currency: Currency::Eur, millionths: funded * 1_000_000 };
        self.agree(Action::FundProgramme { programme, funder: name("Treasury"), amount });
    }

    fn floor(
        &mut self,
        floor: u32,
        programme: u32,
        [strike, stress_price]: [&str; 2],
        [first, last]: [&str; 2],
        contract: ContractTerms,
    ) -> FloorId {
        let floor = FloorId(floor);
        let terms = FloorTerms {
            market: MARKET,
            programme: ProgrammeId(programme),
            index: INDEX,
            price: price(strike),
            stress_price: price(stress_price),
            first: first.parse().expect("a month"),
            last: last.parse().expect("a month"),
            origins: vec!["FI".parse().expect("a country")],
            contract: Box::new(contract),
        };
        self.agree(Action::SetFloor { floor, terms });
        floor
    }

    /// A deal in 20 at 80 on a board, and a contract for 10 a month on it.
    fn contract_on_deal(&mut self) {
        let (first, last) = ("2019-04-01".parse().expect("a day"), "2019-05-31".parse().expect("a day"));
        let minute = NonZeroU32::new(60).expect("positive");
        let rule = RoundRule {
            preference: Preference::Surplus,
            price: PriceRule::Ask,
            floor: None,
            origin_cap: None,
            owner_cap: None,
        };
        let terms = BoardTerms {
            name: name("Lithium"),
            market: MARKET,
            rule,
            sectors: Vec::new(),
            solution_seconds: minute,
            answer_seconds: minute,
            counters_most: 0,
        };
        let board = BoardId(1);
        self.agree(Action::OpenBoard { board, terms });
        for (sender, side, limit) in [(SUPPLIER, Side::Sell, "70"), (BUYER, Side::Buy, "80")] {
            let listing = Listing {
                side,
                goods: Goods::default(),
                minimum: Quantity::ZERO,
                quantity: quantity(20),
                first,
                last,
                sector: None,
                valid_until: instant(2019, 4),
            };
            let (listing, limit, is_group) = (Box::new(listing), price(limit), false);
            self.send(IdentityId(sender), Command::PostEntry { board, listing, limit, is_group });
        }
        let (entry, with) = (EntryId(2), Counterparty::Entry(EntryId(1)));
        let terms = DealTerms { price: Some(price("80")), quantity: quantity(20), first, last };
        self.send(IdentityId(BUYER), Command::Negotiate { entry, with, terms });
        let deal = NegotiationId { entry, with, number: 1 };
        self.send(IdentityId(SUPPLIER), Command::AcceptTerms { negotiation: deal, turn: 0 });
        let contract = ContractTerms::monthly_floor();
        let floor = self.floor(10 * DEALT, DEALT, ["100", "60"], ["2019-04", "2019-05"], contract);
        self.agree(Action::GrantOnDeal { deal, floor, per_period: quantity(10) });
    }

    /// A floor with one contract under it.
    #[expect(clippy::too_many_arguments, reason = "they are what the contracts of a test differ in")]
    fn contract(
        &mut self,
        floor: u32,
        programme: u32,
        [strike, stress_price]: [&str; 2],
        tonnes: u32,
        [first, last]: [&str; 2],
        payoff: Payoff,
        indexation: Option<Indexation>,
    ) {
        let terms = ContractTerms { payoff, indexation, ..ContractTerms::monthly_floor() };
        let floor = self.floor(floor, programme, [strike, stress_price], [first, last], terms);
        let (holder, per_period) = (ParticipantId(SUPPLIER), quantity(tonnes));
        self.agree(Action::GrantEntitlement { floor, holder, per_period });
    }
}

/// What the holder gives above a price, or above the strike.
fn upside(above: Option<&str>, share: &str, annual_cap: Option<&str>) -> Option<Upside> {
    Some(Upside {
        above: above.map(price),
        share: share.parse::<Share>().expect("a share"),
        annual_cap: annual_cap.map(|cap| cap.parse().expect("an amount")),
        condition: None,
    })
}

/// The journal of an exchange with all programmes.
fn journal() -> &'static Path {
    static JOURNAL: OnceLock<TempDir> = OnceLock::new();
    JOURNAL.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        play(dir.path());
        dir
    });
    JOURNAL.get().expect("just made").path()
}

fn play(dir: &Path) {
    let founding = Command::Found {
        participant: ParticipantId(1),
        name: name("The centre"),
        operators: OPERATORS.map(|id| Operator::local(id.0)),
    };
    let creation = Creation::Rehearsal { seed: 1, start: instant(2019, 1) };
    let pipeline = Pipeline::create(dir, creation, founding, Waiting::Park).expect("created");
    let mut hand = Hand { session: pipeline.connect().expect("running"), id: 0 };
    hand.admit(SUPPLIER, Role::Supplier);
    hand.admit(PUBLISHER, Role::Publisher);
    hand.admit(BUYER, Role::Buyer);
    let terms = Market {
        name: name("Lithium"),
        unit: Unit::Tonne,
        currency: Currency::Eur,
        lot: quantity(1),
        tick: price("1"),
        lowest: price("-10"),
        highest: price("1000"),
        largest: quantity(100),
    };
    hand.agree(Action::DefineMarket { market: MARKET, terms });
    for (index, currency) in [(INDEX, Some(Currency::Eur)), (CONSUMER_PRICES, None)] {
        let publisher = ParticipantId(PUBLISHER);
        let terms = IndexTerms { name: name(&format!("Index {index}")), currency, publisher, guard: None };
        hand.agree(Action::DefineIndex { index, terms });
    }
    for (programme, funded) in [
        (PLAIN, 2_100),
        (SETTLED, 2_100),
        (CAPPED, 5_000),
        (SUSPENDED, 500),
        (INDEXED, 500),
        (EMPTY, 7),
        (LONG, 2_000),
        (DEALT, 500),
    ] {
        hand.programme(programme, funded);
    }
    let two_way = || Payoff { upside: upside(None, "1", None), ..Payoff::floor() };
    let months = ["2019-02", "2019-03"];
    for programme in [PLAIN, SETTLED] {
        hand.contract(10 * programme, programme, ["100", "60"], 10, months, Payoff::floor(), None);
        hand.contract(10 * programme + 1, programme, ["80", "50"], 20, months, two_way(), None);
    }
    let capped = Payoff {
        minimum: Some(price("40")),
        annual_volume: Some(quantity(15)),
        upside: upside(Some("120"), "0.5", Some("100")),
        ..Payoff::floor()
    };
    hand.contract(10 * CAPPED, CAPPED, ["100", "60"], 10, ["2019-11", "2020-02"], capped, None);
    let suspended = Payoff { suspension: Suspension::Negative, ..Payoff::floor() };
    hand.contract(10 * SUSPENDED, SUSPENDED, ["100", "-5"], 1, ["2019-02", "2019-02"], suspended, None);
    let indexation = Indexation {
        index: CONSUMER_PRICES,
        base_value: price("50"),
        from_month: 4,
        value_month: 1,
        unit: price("0.01"),
        rounding: HalfWay::Up,
    };
    let months = ["2019-03", "2019-04"];
    hand.contract(10 * INDEXED, INDEXED, ["100", "90"], 3, months, Payoff::floor(), Some(indexation));
    let months = ["2020-01", "2034-12"];
    hand.contract(10 * LONG, LONG, ["100", "90"], 1, months, Payoff::floor(), None);
    hand.send(OPERATORS[0], Command::SetClock { to: instant(2019, 3) });
    let day = "2019-02-28".parse().expect("a day");
    let observation = Observation { price: price("70"), volume: None, source: None };
    let publish = Command::PublishReferencePrice { index: INDEX, day, observation };
    hand.send(IdentityId(PUBLISHER), publish);
    let (floor, version) = (FloorId(10 * SETTLED), DataVersion(1));
    hand.agree(Action::Settle { floor, period: day, version });
    hand.contract_on_deal();
    drop(hand);
    pipeline.stop().expect("stopped");
}

/// A file of paths, in a folder that lives as long.
struct Paths(TempDir);

impl Paths {
    fn new(rows: &str) -> Self {
        let paths = Self(tempfile::tempdir().expect("a folder"));
        std::fs::write(paths.file(), format!("path,index,date,price\n{rows}")).expect("written");
        paths
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("paths.csv")
    }

    fn ask(&self, programme: u32, format: &str) -> Output {
        Process::new(env!("CARGO_BIN_EXE_golv"))
            .args(["journal", "exposure"])
            .arg(journal())
            .args((format != "table").then(|| format!("--{format}")))
            .args(["--programme", &programme.to_string(), "--paths"])
            .arg(self.file())
            .output()
            .expect("golv runs")
    }

    /// What it prints when it succeeds, and what it says.
    fn printed(&self, programme: u32, format: &str) -> (String, String) {
        let output = self.ask(programme, format);
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(0), "{said}");
        (String::from_utf8(output.stdout).expect("text"), said)
    }

    /// The figures, where nothing else is said.
    fn figures(&self, programme: u32) -> Figures {
        let (printed, said) = self.printed(programme, "csv");
        assert_eq!(said, "");
        let rows = printed.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Figures(rows.map(|row| (row[0].clone(), row[1].clone())).collect())
    }

    /// What is said when it fails.
    fn refused(&self, programme: u32) -> String {
        let output = self.ask(programme, "table");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let said = String::from_utf8(output.stderr).expect("text");
        said.replace(&format!("{}/", self.0.path().display()), "")
    }
}

struct Figures(BTreeMap<String, String>);

impl Figures {
    fn of<const N: usize>(&self, names: [&str; N]) -> [&str; N] {
        names.map(|name| self.0.get(name).map_or("", String::as_str))
    }

    fn number(&self, name: &str) -> Price {
        price(&self.0[name])
    }
}

/// Twenty paths: a February that is 100 on average, and a March of 100 − 4.5 × the path's number.
///
/// The floor pays nothing in February and 45 × number in March. The two-way contract takes 400 in February; in March it pays
/// 90 × number − 400, or takes it. The dearest paths cost 2,300, 2,165 and 2,030.
fn twenty() -> String {
    let mut rows = String::new();
    for number in 1..=20 {
        let march = 1000 - 45 * number;
        writeln!(rows, "p{number},1,2019-03-31,{}.{}", march / 10, march % 10).expect("written");
    }
    for number in 1..=20 {
        writeln!(rows, "p{number},1,2019-02-28,101\np{number},1,2019-02-01,99").expect("written");
        writeln!(rows, "p{number},777,2019-02-28,5").expect("written");
    }
    rows
}

#[test]
fn figures_are_those_that_were_worked_out_by_hand() {
    let paths = Paths::new(&twenty());
    let (csv, said) = paths.printed(PLAIN, "csv");
    // The worst: (110 × 10 + 90 × 20) × 2. Stress: (40 × 10 + 30 × 20) × 2, which is what is reserved.
    let expected = "figure,amount,currency\n\
        programme,1,\n\
        free,100.00,EUR\n\
        reserved,2000.00,EUR\n\
        money,2100.00,EUR\n\
        contracts,2,\n\
        periods,4,\n\
        worst_case,5800.00,EUR\n\
        stress,2000.00,EUR\n\
        paths,20,\n\
        mean,1052.50,EUR\n\
        least,45.00,EUR\n\
        quantile_95,2165.00,EUR\n\
        quantile_99,2300.00,EUR\n\
        most,2300.00,EUR\n\
        given_mean,435.00,EUR\n\
        short,2,\n\
        short_share,0.1,\n";
    assert_eq!((csv.as_str(), said.as_str()), (expected, ""));

    let (json, _) = paths.printed(PLAIN, "json");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (&json["currency"], &json["quantile_95"], &json["short"]),
        (&"EUR".into(), &"2165.00".into(), &2.into())
    );
    let figures = csv.lines().skip(1).map(|line| line.split(',').next().expect("a name"));
    assert!(figures.clone().all(|name| !json[name].is_null()), "{json}");
    assert_eq!(json.as_object().expect("an object").len(), figures.count() + 1);

    let (table, _) = paths.printed(PLAIN, "table");
    assert!(table.contains("no more in 95 % of the paths"), "{table}");
    assert!(table.contains("2,165.00   EUR"), "{table}");
}

/// February of the floor was settled; the two-way contract's was not, and needs a price.
#[test]
fn what_was_settled_costs_no_more() {
    let paths = Paths::new("a,1,2019-02-28,70\na,1,2019-03-31,60\n");
    let figures = paths.figures(SETTLED);
    // 40 × 10 in March, and (10 + 20) × 20. 300 were paid for February, and its 400 are reserved no longer.
    let expected = ["2", "3", "1000.00", "1600.00", "200.00", "1800.00"];
    assert_eq!(figures.of(["contracts", "periods", "most", "reserved", "free", "money"]), expected);
    assert_eq!(figures.of(["short", "short_share"]), ["0", "0"]);
    let paths = Paths::new("a,1,2019-03-31,60\n");
    assert_eq!(paths.refused(SETTLED), "golv: paths.csv, path a: index 1 has no price in 2019-02\n");
}

#[test]
fn annual_caps_are_used_up_in_the_order_of_the_periods() {
    let months = ["2019-11-30", "2019-12-31", "2020-01-31", "2020-02-29"];
    let rows = |path: &str, price: &str| months.map(|day| format!("{path},1,{day},{price}\n")).concat();
    let paths = Paths::new(&(rows("low", "50") + &rows("high", "150")));
    let figures = paths.figures(CAPPED);
    // 15 t in each of two years: at worst 60 each, and 50 on the low path. The holder gives (150 − 120) ÷ 2 for each of 10 t, of
    // which its cap leaves 100, and nothing for the next 5 t.
    assert_eq!(
        figures.of(["worst_case", "stress", "most", "least"]),
        ["1800.00", "1200.00", "1500.00", "0.00"]
    );
    assert_eq!(figures.of(["mean", "given_mean"]), ["750.00", "100.00"]);
    // A minimum takes the place of whatever is below it.
    let figures = Paths::new(&rows("lowest", "-1000")).figures(CAPPED);
    assert_eq!(figures.of(["most", "worst_case"]), ["1800.00", "1800.00"]);
}

#[test]
fn the_worst_is_no_price_at_which_nothing_is_paid() {
    let figures = Paths::new("a,1,2019-02-28,-1\nb,1,2019-02-28,0\n").figures(SUSPENDED);
    assert_eq!(figures.of(["worst_case", "stress", "least", "most"]), ["100.00", "100.00", "0.00", "100.00"]);
}

/// Below the deal's price the programme pays no more: neither in stress nor in the worst case, nor on any path.
#[test]
fn a_contract_on_a_deal_pays_from_the_deals_price_on() {
    let rows = |path: &str, price: u32| format!("{path},1,2019-04-30,{price}\n{path},1,2019-05-31,{price}\n");
    let paths = Paths::new(&(rows("low", 10) + &rows("middle", 90) + &rows("high", 150)));
    let figures = paths.figures(DEALT);
    // (100 − 80) × 10 in each of two months, and half of that at 90.
    let expected = ["400.00", "400.00", "400.00", "400.00", "0.00", "200.00"];
    assert_eq!(figures.of(["reserved", "worst_case", "stress", "most", "least", "mean"]), expected);
}

#[test]
fn strikes_follow_their_index_where_the_paths_carry_it() {
    let prices = "a,1,2019-03-31,95\na,1,2019-04-30,95\n";
    assert_eq!(Paths::new(prices).figures(INDEXED).of(["most"]), ["30.00"]);
    // 100 × 52.5 ÷ 50 and 100 × 55 ÷ 50: the last value of January 2018, and then of January 2019.
    let values = "a,9,2018-01-31,52.5\na,9,2019-01-15,1\na,9,2019-01-31,55\n";
    assert_eq!(Paths::new(&format!("{prices}{values}")).figures(INDEXED).of(["most"]), ["75.00"]);
    let paths = Paths::new(&format!("{prices}a,9,2019-01-31,55\n"));
    let missing =
        "golv: paths.csv, path a: index 9 has no value in 2018-01, which the strikes of 2019-03 follow\n";
    assert_eq!(paths.refused(INDEXED), missing);
}

#[test]
fn no_path_within_the_market_costs_more_than_the_worst_case() {
    let mut state = 1_u64;
    let mut rows = String::new();
    for path in 0..200 {
        for month in ["2019-02", "2019-03"] {
            for day in 1..=5 {
                // Numerical Recipes' generator; its upper bits are random enough.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let price = i64::try_from((state >> 33) % 200).expect("small") - 10;
                writeln!(rows, "{path},1,{month}-0{day},{price}").expect("written");
            }
        }
    }
    let figures = Paths::new(&rows).figures(PLAIN);
    let ordered = ["least", "mean", "quantile_95", "quantile_99", "most", "worst_case"]
        .map(|name| figures.number(name));
    assert!(ordered.is_sorted(), "{ordered:?}");
    assert_eq!(figures.of(["paths"]), ["200"]);

    let paths = Paths::new("a,1,2019-02-28,-11\na,1,2019-03-31,-10\n");
    let (_, said) = paths.printed(PLAIN, "table");
    assert!(said.starts_with("golv: paths cost more than the worst case"), "{said}");
}

/// Path *p* is at 100 − *p* ÷ 20 in each of 180 months, in a file that goes from month to month.
#[test]
fn a_thousand_paths_of_fifteen_years_are_ordinary() {
    let mut rows = String::new();
    for month in 0..180 {
        for path in 1..=1000 {
            let (year, month) = (2020 + month / 12, month % 12 + 1);
            let millionths = 100_000_000 - path * 50_000;
            let price = Price::from_millionths(millionths);
            writeln!(rows, "path {path},1,{year}-{month:02}-28,{price}").expect("written");
        }
    }
    let figures = Paths::new(&rows).figures(LONG);
    let expected = ["180", "1000", "8550.00", "8910.00", "4504.50", "778", "0.778"];
    let names = ["periods", "paths", "quantile_95", "quantile_99", "mean", "short", "short_share"];
    // Path p costs 180 × p ÷ 20 = 9 p: that of the 222nd is 1,998, and the programme has 2,000.
    assert_eq!(figures.of(names), expected);
}

#[test]
fn a_programme_without_contracts_costs_nothing() {
    let figures = Paths::new("a,1,2019-02-28,-1\n").figures(EMPTY);
    assert_eq!(
        figures.of(["contracts", "periods", "worst_case", "most", "paths"]),
        ["0", "0", "0.00", "0.00", "1"]
    );
}

#[test]
fn what_cannot_be_read_is_named_by_file_line_and_column() {
    let good = "a,1,2019-02-28,70\na,1,2019-03-31,60\n";
    for (rows, expected) in [
        ("b,1,2019-02-30,1", "paths.csv, line 4, column date: '2019-02-30' is not a day such as 2019-01-31"),
        ("b,one,2019-02-28,1", "paths.csv, line 4, column index: 'one' is not a whole number"),
        (",1,2019-02-28,1", "paths.csv, line 4, column path: '' is empty; every path has a name"),
        (
            "b,1,2019-02-28,1e3",
            "paths.csv, line 4, column price: '1e3' is not a plain decimal number such as 95000 or -0.25",
        ),
        (
            "b,1,2019-02-28,1\na,1,2019-02-28,70",
            "paths.csv, line 5, column date: '2019-02-28' has a price of this index and path in line 2 too",
        ),
        ("b,1,2019-02-28,1", "paths.csv, path b: index 1 has no price in 2019-03"),
    ] {
        assert_eq!(Paths::new(&format!("{good}{rows}\n")).refused(PLAIN), format!("golv: {expected}\n"));
    }
    assert_eq!(Paths::new("").refused(PLAIN), "golv: paths.csv has no paths\n");
    let unknown = Paths::new(good).refused(99);
    assert!(unknown.starts_with("golv: no exposure of programme 99: "), "{unknown}");
}
