//! `golv settle` as a user runs it: real settlements of the United Kingdom, contracts with a share of high prices, and what cannot be
//! settled.

mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const HEAD: &str = "contract,party,kind,strike,cap,upside_share,upside_threshold,annual_cap,index,start,end,calendar,\
                    reference_minimum,currency";

/// A folder with files to settle.
struct Files(TempDir);

impl Files {
    /// With contracts, prices and deliveries as rows without their heads.
    fn new(contracts: &str, prices: &str, deliveries: &str) -> Self {
        let files = Self(tempfile::tempdir().expect("a folder"));
        files.write("contracts", &format!("{HEAD}\n{contracts}"));
        files.write("prices", &format!("index,date,price,revision\n{prices}"));
        files.write("deliveries", &format!("contract,date,quantity,revision\n{deliveries}"));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.csv"))
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    fn settle(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_golv"));
        command.arg("settle");
        let files =
            [("contracts", "contracts"), ("reference-prices", "prices"), ("deliveries", "deliveries")];
        for (option, name) in files {
            command.arg(format!("--{option}")).arg(self.path(name));
        }
        for name in ["strikes", "cpi"] {
            if self.path(name).exists() {
                command.arg(format!("--{name}")).arg(self.path(name));
            }
        }
        if !more.contains(&"--out") {
            command.arg("--out").arg(self.path("lines"));
        }
        command.args(more).output().expect("golv runs")
    }

    /// Settles, and gives the lines.
    fn lines(&self, more: &[&str]) -> Vec<Line> {
        let output = self.settle(more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        rows(&self.path("lines")).into_iter().map(Line).collect()
    }

    /// Settles what cannot be, and gives what was said.
    fn refused(&self) -> String {
        let output = self.settle(&[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!self.path("lines").exists(), "nothing is left behind");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let said = String::from_utf8(output.stderr).expect("text");
        said.replace(&format!("{}/", self.0.path().display()), "")
    }
}

type Row = BTreeMap<String, String>;

fn rows(file: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(file).expect("a file");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn data(name: &str) -> Vec<Row> {
    rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/settlement").join(name))
}

/// A line of the file of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line(Row);

impl Line {
    fn text(&self, column: &str) -> &str {
        &self.0[column]
    }

    fn millionths(&self, column: &str) -> i64 {
        millionths(self.text(column))
    }
}

/// A plain decimal in millionths.
fn millionths(text: &str) -> i64 {
    text.parse::<golv_engine::num::Price>().expect("a decimal").millionths()
}

fn pounds(units: i64) -> i64 {
    units * 1_000_000
}

/// Published inputs are rounded, and payments are rounded for each part of a day: two pounds a day are that.
#[test]
fn real_days_of_the_united_kingdom_are_paid_as_published() {
    let days = data("uk_days.csv");
    let contracts: BTreeSet<&str> = days.iter().map(|day| day["contract"].as_str()).collect();
    let (mut terms, mut prices, mut deliveries, mut strikes) = <(String, String, String, String)>::default();
    for contract in contracts {
        writeln!(terms, "{contract},Generator,two-way,,,,,,{contract},2016-04-01,,daily,0,GBP")
            .expect("text");
    }
    for day in &days {
        let (contract, date) = (&day["contract"], &day["date"]);
        // A day without generation has no reference price, and needs none.
        if !day["reference_price"].is_empty() {
            writeln!(prices, "{contract},{date},{},", day["reference_price"]).expect("text");
        }
        writeln!(deliveries, "{contract},{date},{},", day["quantity"]).expect("text");
        writeln!(strikes, "{contract},{date},{}", day["strike"]).expect("text");
    }
    let files = Files::new(&terms, &prices, &deliveries);
    files.write("strikes", &format!("contract,from,strike\n{strikes}"));
    let lines = files.lines(&[]);
    assert_eq!(lines.len(), days.len());
    for day in &days {
        let is_it =
            |line: &&Line| line.text("contract") == day["contract"] && line.text("period_end") == day["date"];
        let line = lines.iter().find(is_it).expect("a line a day");
        let apart = (line.millionths("amount") - millionths(&day["payment"])).abs();
        assert!(apart <= pounds(2), "{day:?}: {line:?}");
        assert_eq!(line.text("strike"), day["strike"]);
    }
}

#[test]
fn strikes_follow_consumer_prices_to_the_penny() {
    let strikes = data("uk_strikes.csv");
    let bases: BTreeMap<&str, &str> =
        strikes.iter().map(|row| (row["contract"].as_str(), row["base_strike"].as_str())).collect();
    let years: BTreeMap<&str, &str> =
        strikes.iter().map(|row| (row["year"].as_str(), row["cpi_january"].as_str())).collect();
    let (mut contracts, mut prices, mut deliveries, mut cpi) = <(String, String, String, String)>::default();
    for (contract, base) in &bases {
        let terms = "Generator,two-way,,,,,,IMRP,,,daily,0,GBP";
        writeln!(contracts, "{contract},{terms},{base},94.5,CPI").expect("text");
    }
    for (year, value) in years {
        writeln!(prices, "IMRP,{year}-04-01,50,\nIMRP,{year}-12-31,50,").expect("text");
        writeln!(cpi, "CPI,{year}-04-01,{value}").expect("text");
    }
    for row in &strikes {
        for day in ["04-01", "12-31"] {
            writeln!(deliveries, "{},{}-{day},1,", row["contract"], row["year"]).expect("text");
        }
    }
    let files = Files::new("", &prices, &deliveries);
    files.write("contracts", &format!("{HEAD},base_strike,base_index_value,indexation\n{contracts}"));
    files.write("cpi", &format!("index,date,value\n{cpi}"));
    let lines = files.lines(&[]);
    assert_eq!(lines.len(), 2 * strikes.len());
    for row in &strikes {
        let of_it = |line: &&Line| {
            line.text("contract") == row["contract"] && line.text("period_start").starts_with(&row["year"])
        };
        for line in lines.iter().filter(of_it) {
            assert_eq!(line.millionths("strike"), millionths(&row["strike"]), "{row:?}");
        }
    }
}

/// Two runs of days whose metering was corrected: what the second adds is the difference, and what was published, but for
/// rounding.
#[test]
fn corrected_days_pay_the_difference() {
    let corrections = data("uk_corrections.csv");
    let (mut contracts, mut prices, mut deliveries) = <(String, String, String)>::default();
    for (number, row) in corrections.iter().enumerate() {
        let (date, strike) = (&row["date"], &row["strike"]);
        writeln!(contracts, "{number},Generator,two-way,{strike},,,,,{number},,,daily,0,GBP").expect("text");
        for (revision, told) in [(2, "new"), (1, "old")] {
            let [price, quantity] = ["price", "quantity"].map(|what| &row[&format!("{told}_{what}")]);
            writeln!(prices, "{number},{date},{price},{revision}").expect("text");
            writeln!(deliveries, "{number},{date},{quantity},{revision}").expect("text");
        }
    }
    let files = Files::new(&contracts, &prices, &deliveries);
    let first = files.lines(&["--run", "1"]);
    let second = files.lines(&[]);
    assert_eq!(second[0].text("run"), "2", "the highest revision is the run");
    for ((row, first), second) in corrections.iter().zip(&first).zip(&second) {
        assert_eq!(first.text("amount"), first.text("delta"), "a first run pays all");
        let difference = second.millionths("amount") - first.millionths("amount");
        assert_eq!(second.millionths("delta"), difference);
        let published = millionths(&row["new_payment"]) - millionths(&row["old_payment"]);
        assert!((difference - published).abs() <= pounds(4), "{row:?}");
    }
}

/// Lynas–JARE's revised agreement (ASX release, March 2026, as The West Australian reports it): a floor of 110 USD/kg on 5,000 t a
/// year, 30 % of what exceeds 150 USD/kg, at most 10 million USD a calendar year.
/// Rules: R-CFD-001.
#[test]
fn the_agreement_of_lynas_and_jare() {
    let contracts =
        "lynas,Lynas,floor-with-upside,110,,0.3,150,10000000,NdPr,2026-01-01,2038-12-31,quarterly,,USD\n";
    let (mut prices, mut deliveries) = <(String, String)>::default();
    for (year, price) in [(2026, 100), (2027, 150), (2028, 155), (2029, 160)] {
        writeln!(prices, "NdPr,{year}-02-01,{price},").expect("text");
        writeln!(deliveries, "lynas,{year}-03-31,5000000,").expect("text");
    }
    // The cap is used up in the order of the quarters.
    for (quarter, quantity) in [("2030-03-31", 3_000_000), ("2030-04-01", 3_000_000), ("2030-12-31", 1)] {
        writeln!(prices, "NdPr,{quarter},160,").expect("text");
        writeln!(deliveries, "lynas,{quarter},{quantity},").expect("text");
    }
    let lines = Files::new(contracts, &prices, &deliveries).lines(&[]);
    let amounts: Vec<&str> = lines.iter().map(|line| line.text("amount")).collect();
    assert_eq!(
        amounts,
        ["50000000.00", "0.00", "-7500000.00", "-10000000.00", "-9000000.00", "-1000000.00", "0.00"]
    );
    let periods: Vec<[&str; 2]> = lines[4..]
        .iter()
        .map(|line| ["period_start", "period_end"].map(|column| line.text(column)))
        .collect();
    assert_eq!(
        periods,
        [["2030-01-01", "2030-03-31"], ["2030-04-01", "2030-06-30"], ["2030-10-01", "2030-12-31"]]
    );
}

/// MP Materials' agreement (Form 8-K, 9 July 2025, exhibit 10.6): a floor of 110 USD/kg on what is sold or stockpiled, 30 % of what
/// exceeds it. Its published income of 51 million USD for the fourth quarter of 2025 implies a price of the index: some 39 if it was
/// paid on the 718 t produced, 19 on the 562 t sold. The index is not public, so no agreement is claimed; that price gives the income back.
#[test]
fn the_terms_of_mp_materials() {
    let contracts = "mp,MP,floor-with-upside,110,,0.3,110,,NdPr,2025-10-01,2035-09-30,quarterly,,USD\n";
    for (produced, implied) in [(718_000_i64, 38_969_360_i64), (562_000, 19_252_670)] {
        assert_eq!(110_000_000 - 51_000_000 * 1_000_000 / produced, implied);
        let price = format!("{}.{:06}", implied / 1_000_000, implied % 1_000_000);
        println!("an income of 51 million USD on {produced} kg implies {price} USD/kg");
        let prices = format!("NdPr,2025-12-31,{price},\nNdPr,2026-03-31,140,\n");
        let deliveries = format!("mp,2025-11-01,{produced},\nmp,2026-01-01,{produced},\n");
        let lines = Files::new(contracts, &prices, &deliveries).lines(&[]);
        assert!((lines[0].millionths("amount") - pounds(51_000_000)).abs() <= pounds(1));
        assert_eq!(lines[1].millionths("amount"), -9 * produced * 1_000_000);
    }
}

#[test]
fn totals_are_printed_as_table_json_and_rows() {
    let contracts = "a,One,floor,10,,,,,I,,,monthly,,EUR\nb,Two,two-way,10,,,,,I,,,monthly,,JPY\n\
                     c,One,collar,10,12,,,,I,,,monthly,,EUR\n";
    let prices = "I,2024-01-15,9.995,1\nI,2024-02-15,13,\n";
    let deliveries = "a,2024-01-31,1,\nb,2024-01-01,3,\nb,2024-02-01,3,\nc,2024-02-01,2,\nc,2024-02-29,3,\n";
    let files = Files::new(contracts, prices, deliveries);
    let output = files.settle(&["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&told["run"], &told["as_of"], &told["lines"]), (&1.into(), &Value::Null, &4.into()));
    let total = |party: &str, currency: &str| {
        let totals = told["totals"].as_array().expect("a list");
        let found = totals.iter().find(|total| total["party"] == party && total["currency"] == currency);
        let found = found.expect("a total");
        ["amount", "delta", "remainder"].map(|column| found[column].as_str().expect("a decimal").to_owned())
    };
    // 0.005 goes to the even cent, and the rest stands as a remainder; 5 × (12 − 13) is what the collar takes.
    assert_eq!(total("One", "EUR"), ["-5.00", "-5.00", "0.005"]);
    // 0.015 yen, and −9.
    assert_eq!(total("Two", "JPY"), ["-9", "-9", "0.015"]);
    let table = String::from_utf8(files.settle(&[]).stdout).expect("text");
    assert!(table.contains("One") && table.contains("-5.00") && table.contains("all"), "{table}");
    let output = files.settle(&["--out", "-", "--csv"]);
    let lines = String::from_utf8(output.stdout).expect("text");
    assert_eq!(
        lines,
        "contract,period_start,period_end,run,strike,reference_price,quantity,amount,remainder,delta\n\
         a,2024-01-01,2024-01-31,1,10,9.995,1,0.00,0.005,0.00\n\
         b,2024-01-01,2024-01-31,1,10,9.995,3,0,0.015,0\n\
         b,2024-02-01,2024-02-29,1,10,13,3,-9,0,-9\n\
         c,2024-02-01,2024-02-29,1,10,13,5,-5.00,0,-5.00\n"
    );
    let totals = String::from_utf8(output.stderr).expect("text");
    assert_eq!(
        totals,
        "party,currency,lines,amount,delta,remainder\nOne,EUR,2,-5.00,-5.00,0.005\nTwo,JPY,2,-9,-9,0.015\n"
    );
}

/// A contract that begins inside a period is settled on the whole period's prices and its own deliveries, at the strike of its
/// first day; its last day is included.
#[test]
fn a_period_is_whole_even_where_a_contract_covers_a_part_of_it() {
    let contracts = "a,One,floor,,,,,,I,2024-01-10,2024-02-10,monthly,,EUR\n";
    let prices = "I,2024-01-01,10,\nI,2024-01-31,30,\nI,2024-02-29,0,\n";
    let files = Files::new(contracts, prices, "a,2024-01-10,1,\na,2024-02-10,1,\n");
    files.write("strikes", "contract,from,strike\na,2024-01-10,25\na,2024-02-02,70\n");
    let lines = files.lines(&[]);
    let shown = |line: &Line| {
        ["period_start", "strike", "reference_price", "amount"].map(|column| line.text(column).to_owned())
    };
    assert_eq!(shown(&lines[0]), ["2024-01-01", "25", "20", "5.00"]);
    assert_eq!(
        shown(&lines[1]),
        ["2024-02-01", "25", "0", "25.00"],
        "a strike of the second is not February's"
    );
}

#[test]
fn what_cannot_be_settled_is_named_with_its_place() {
    let contract = "a,One,floor,10,,,,,I,2024-01-01,2024-12-31,monthly,,EUR\n";
    let price = "I,2024-01-15,9,\n";
    let delivery = "a,2024-01-31,1,\n";
    for (contracts, prices, deliveries, said) in [
        (contract, price, "b,2024-01-31,1,\n", "deliveries.csv, line 2, column contract: 'b' is no contract"),
        (contract, price, "a,2024-01-31,-1,\n", "deliveries.csv, line 2, column quantity: '-1' is negative"),
        (
            contract,
            price,
            "a,2024-01-32,1,\n",
            "deliveries.csv, line 2, column date: '2024-01-32' is not a day",
        ),
        (
            contract,
            price,
            "a,2024-01-31,1,0\n",
            "deliveries.csv, line 2, column revision: '0' is no revision",
        ),
        (
            contract,
            price,
            "a,2024-01-31,1,\na,2024-02-01,0,\na,2024-02-02,5,\n",
            "deliveries.csv, line 4, column date: '2024-02-02' lies in a period, 2024-02, of which run 1 sees no price of index I",
        ),
        (
            contract,
            price,
            "a,2024-01-31,1,1\na,2024-01-30,1,\na,2024-01-31,1,\n",
            "deliveries.csv, line 4, column date: '2024-01-31' has this revision of this contract in line 2 too",
        ),
        (
            contract,
            "I,2024-01-15,9,\nI,2024-01-15,8,1\n",
            delivery,
            "prices.csv, line 3, column date: '2024-01-15' has this revision of this index in line 2 too",
        ),
        (
            contract,
            "I,2024-01-15,9.1234567,\n",
            delivery,
            "prices.csv, line 2, column price: '9.1234567' has more than six decimals",
        ),
        (
            "a,One,floor,10,,,,,I,,,yearly,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column calendar: 'yearly' is no calendar",
        ),
        (
            "a,One,cap,10,,,,,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column kind: 'cap' is no kind",
        ),
        (
            "a,One,floor,10,12,,,,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column cap: '12' is not for a floor",
        ),
        (
            "a,One,collar,10,,,,,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column cap: '' is not a plain decimal number",
        ),
        // Of a delivery that was revised the revision is named that the run sees.
        (
            contract,
            "",
            "a,2024-01-31,0,2\n\n\na,2024-01-31,7,3\na,2024-01-31,8,1\n",
            "deliveries.csv, line 5, column date: '2024-01-31' lies in a period, 2024-01, of which run 3 sees no price",
        ),
        (
            contract,
            price,
            "a,2024-01-31,1,\r\n\r\na,2024-01-30,x,\r\n",
            "deliveries.csv, line 4, column quantity: 'x' is not a plain decimal number",
        ),
        (
            "a,One,collar,10,9,,,,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column cap: '9' is below the strike 10",
        ),
        (
            "a,One,floor-with-upside,10,,1.1,12,,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column upside_share: '1.1' is more than 1",
        ),
        (
            "a,One,two-way,10,,,,0.001,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column annual_cap: '0.001' is no amount that can be paid",
        ),
        (
            "a,One,floor,10,,,,,I,2024-02-01,2024-01-01,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column end: '2024-01-01' is before the contract's start",
        ),
        (
            "a,One,floor,10,,,,,I,,,daily,,CHF\n",
            price,
            delivery,
            "contracts.csv, line 2, column currency: 'CHF' is no currency",
        ),
        (
            "a,,floor,10,,,,,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 2, column party: '' is empty",
        ),
        (
            "a,One,floor,10,,,,,I,,,daily,,EUR\na,Two,floor,10,,,,,I,,,daily,,EUR\n",
            price,
            delivery,
            "contracts.csv, line 3, column contract: 'a' is the contract of line 2 too",
        ),
        (
            "a,One,floor,,,,,,I,,,monthly,,EUR\n",
            price,
            delivery,
            "deliveries.csv, line 2, column date: '2024-01-31' lies in a period, 2024-01, for which the contract has no strike",
        ),
        (
            "a,One,floor,9000000000000,,,,,I,,,monthly,,EUR\n",
            price,
            "a,2024-01-31,2000,\n",
            "deliveries.csv, line 2, column date: '2024-01-31' lies in a period, 2024-01, whose amount is larger than can be held",
        ),
    ] {
        let refused = Files::new(contracts, prices, deliveries).refused();
        assert!(refused.starts_with(&format!("golv: {said}")), "{said}\n{refused}");
    }
    let files = Files::new(contract, price, delivery);
    files.write("prices", "index,date\nI,2024-01-15\n");
    assert!(files.refused().starts_with("golv: prices.csv has no column price; it needs index,date,price"));
    files.write("prices", "index,date,price,colour\n");
    assert!(files.refused().contains("a column 'colour' that is not known, or twice"));
    files.write("prices", "index,date,price\nI,2024-01-15\n");
    assert!(files.refused().starts_with("golv: prices.csv cannot be read"));
    let files = Files::new(contract, price, delivery);
    for (strikes, said) in [
        ("b,2024-01-01,1\n", "strikes.csv, line 2, column contract: 'b' is no contract"),
        ("a,2024-01-01,1\na,2024-01-01,2\n", "strikes.csv, line 3, column from: '2024-01-01' is there twice"),
        ("a,2024-01-01,x\n", "strikes.csv, line 2, column strike: 'x' is not a plain decimal number"),
    ] {
        files.write("strikes", &format!("contract,from,strike\n{strikes}"));
        let refused = files.refused();
        assert!(refused.starts_with(&format!("golv: {said}")), "{refused}");
    }
    let indexed = |cells: &str, cpi: &str| {
        let files = Files::new("", price, delivery);
        let contract = format!("a,One,floor,,,,,,I,,,monthly,,EUR,{cells}\n");
        files.write("contracts", &format!("{HEAD},base_strike,base_index_value,indexation\n{contract}"));
        files.write("cpi", &format!("index,date,value\n{cpi}"));
        files.refused()
    };
    for (cells, cpi, said) in [
        ("10,,CPI", "", "contracts.csv, line 2, column base_index_value: '' is empty"),
        ("10,0,CPI", "", "contracts.csv, line 2, column base_index_value: '0' is no value"),
        (
            "10,100,RPI",
            "CPI,2024-01-01,1\n",
            "contracts.csv, line 2, column indexation: 'RPI' is no index that --cpi has values of",
        ),
        ("10,100,CPI", "CPI,2024-01-01,0\n", "cpi.csv, line 2, column value: '0' is no value"),
        (
            "10,100,CPI",
            "CPI,2024-01-02,1\nCPI,2024-01-02,2\n",
            "cpi.csv, line 3, column date: '2024-01-02' is there twice",
        ),
        (
            "10,100,CPI",
            "CPI,2024-01-02,1\n",
            "deliveries.csv, line 2, column date: '2024-01-31' lies in a period, 2024-01, for which the contract has no strike",
        ),
    ] {
        let refused = indexed(cells, cpi);
        assert!(refused.starts_with(&format!("golv: {said}")), "{said}\n{refused}");
    }
}

/// Files as spreadsheets write them are read: other orders of columns, quotes, spaces, a mark of the byte order, other line ends.
#[test]
fn files_of_other_programs_are_read() {
    let files = Files::new("a,\"One, and Two\",floor,10,,,,,I,,,daily,,EUR\n", "", "");
    files.write("prices", "\u{feff}price,index,date\r\n9,I,2024-01-15\r\n");
    files.write("deliveries", "date , quantity, contract\n2024-01-15, 2 ,\"a\"\n");
    let lines = files.lines(&[]);
    assert_eq!((lines.len(), lines[0].text("amount")), (1, "2.00"));
}

/// What stands in the place of the lines is what was there: a link still points to its file, and a pipe takes the lines.
#[test]
fn lines_go_where_they_are_wanted() {
    let contract = "\"A, \"\"1\"\"\",One,floor,10,,,,,I,,,monthly,,EUR\n";
    let files = Files::new(contract, "I,2024-01-15,9,\n", "\"A, \"\"1\"\"\",2024-01-31,1,\n");
    let line = "\"A, \"\"1\"\"\",2024-01-01,2024-01-31,1,10,9,1,1.00,0,1.00\n";
    let (target, link, pipe) = (files.path("target"), files.path("link"), files.path("pipe"));
    let output = files.settle(&["--out", files.path("deliveries").to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("which is read: name another file"));
    files.write("target", "what was there\n");
    std::os::unix::fs::symlink(&target, &link).expect("linked");
    assert!(files.settle(&["--out", link.to_str().expect("text")]).status.success());
    assert!(link.is_symlink());
    assert!(std::fs::read_to_string(&target).expect("text").ends_with(line));
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("run").success());
    let read = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("text")
    });
    assert!(files.settle(&["--out", pipe.to_str().expect("text")]).status.success());
    assert!(read.join().expect("read").ends_with(line));
}

/// A meter does not stop where a contract does: what it counts outside is not paid for, and that is said.
#[test]
fn deliveries_outside_a_contract_pay_nothing() {
    let contract = "a,One,floor,10,,,,,I,2024-01-10,2024-02-10,monthly,,EUR\n";
    let deliveries = "a,2024-01-09,4,\na,2024-01-10,1,\na,2024-02-10,1,\na,2024-02-11,4,\na,2024-03-01,4,\n";
    let files = Files::new(contract, "I,2024-01-15,9,\nI,2024-02-15,8,\n", deliveries);
    let output = files.settle(&["--json"]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("golv: 3 of the deliveries lie outside"), "{said}");
    assert!(said.trim_end().ends_with("deliveries.csv, line 2"), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["outside"], 3);
    let amounts: Vec<_> = files.lines(&[]).iter().map(|line| line.text("amount").to_owned()).collect();
    assert_eq!(amounts, ["1.00", "2.00"], "the first and the last day are included");
}

/// Nothing was delivered, so nothing is asked: no price, and no strike.
#[test]
fn no_volume_needs_neither_price_nor_strike() {
    let contract = "a,One,floor,,,,,,I,,,monthly,,EUR\n";
    let lines = Files::new(contract, "", "a,2024-01-31,0,\n").lines(&[]);
    let shown =
        ["strike", "reference_price", "quantity", "amount", "delta"].map(|column| lines[0].text(column));
    assert_eq!(shown, ["", "", "0", "0.00", "0.00"]);
}
