//! What money does, as it is shown.

use super::*;
use golv_engine::ledger::{Account, Cause, Posting};
use golv_engine::money::{
    Backing, Breach, Claim, ClearingTerms, Creditor, Invoice, Level, Pot, PotUse, ProgrammeTerms, StockOrder,
    StockRule, StockTrade, StockTradedBy,
};
use golv_engine::time::Day;

const PROGRAMME: ProgrammeId = ProgrammeId(2);

/// Whole dollars, as they are told.
fn usd(amount: &str) -> Value {
    json!({ "amount": format!("{amount}.00"), "currency": "USD" })
}

fn end_of_january() -> Day {
    january().last_day()
}

/// Each action about money.
pub(super) fn actions() -> Vec<(Action, &'static str, &'static str, Value)> {
    let name = |text: &str| text.parse().expect("a name");
    let (programme, participant, amount, currency) = (PROGRAMME, ME, dollars(1_000), Currency::Usd);
    let open = |backing| Action::OpenProgramme {
        programme,
        terms: ProgrammeTerms { name: name("Floors"), currency, backing },
    };
    let owned = || json!({ "participant": 21, "amount": usd("1000") });
    let nobodys = || json!({ "participant": null, "amount": usd("1000") });
    let clearing = |waterfall: &[Pot]| Action::SetClearingTerms {
        currency,
        terms: Box::new(ClearingTerms {
            holidays: vec![end_of_january()],
            due_days: 2,
            notice_days: 1,
            debt_cover: "0.1".parse().expect("a share"),
            contract_cover_days: 21,
            waterfall: waterfall.into(),
        }),
    };
    let clearing_details = |waterfall: Value| {
        json!({
            "currency": "USD",
            "terms": {
                "holidays": ["2019-01-31"], "due-days": 2, "notice-days": 1, "debt-cover": "0.1",
                "contract-cover-days": 21, "waterfall": waterfall,
            },
        })
    };
    vec![
        (
            open(Backing::Capped),
            "open programme 2, Floors, in USD, capped by its money",
            "open_programme",
            json!({"programme": 2, "name": "Floors", "currency": "USD", "backing": {"kind": "capped"}}),
        ),
        (
            open(Backing::Guaranteed { by: name("State") }),
            "open programme 2, Floors, in USD, guaranteed by State",
            "open_programme",
            json!({
                "programme": 2, "name": "Floors", "currency": "USD",
                "backing": {"kind": "guaranteed", "by": "State"},
            }),
        ),
        (
            Action::FundProgramme { programme, funder: name("Treasury"), amount },
            "pay 1,000.00 USD of Treasury into programme 2",
            "fund_programme",
            json!({"programme": 2, "funder": "Treasury", "amount": usd("1000")}),
        ),
        (
            Action::DepositCollateral { participant, amount },
            "take in 1,000.00 USD of participant 21's as collateral",
            "deposit_collateral",
            owned(),
        ),
        (
            Action::ReturnCollateral { participant, amount },
            "give 1,000.00 USD of participant 21's collateral back",
            "return_collateral",
            owned(),
        ),
        (
            Action::ContributeToDefaultFund { participant, amount },
            "take in 1,000.00 USD of participant 21's for the default fund",
            "contribute_to_default_fund",
            owned(),
        ),
        (
            Action::ReturnContribution { participant, amount },
            "give 1,000.00 USD of participant 21's contribution back",
            "return_contribution",
            owned(),
        ),
        (
            Action::SetOwnResourcesAside { amount },
            "set 1,000.00 USD of the centre's own aside for defaults",
            "set_own_resources_aside",
            json!({"amount": usd("1000")}),
        ),
        (
            clearing(&Pot::STANDARD),
            "clear USD by these terms: invoices due after 2 business days and notices followed within 1, 1 holidays, \
             collateral for 0.1 of debts and 21 days of contracts, defaults covered by collateral, then contribution, then \
             own resources, then default fund",
            "set_clearing_terms",
            clearing_details(json!(["collateral", "contribution", "own-resources", "default-fund"])),
        ),
        (
            clearing(&[]),
            "clear USD by these terms: invoices due after 2 business days and notices followed within 1, 1 holidays, \
             collateral for 0.1 of debts and 21 days of contracts, defaults covered by nothing",
            "set_clearing_terms",
            clearing_details(json!([])),
        ),
        (
            Action::TakePayment { participant: Some(participant), amount },
            "take a payment of 1,000.00 USD from participant 21",
            "take_payment",
            owned(),
        ),
        (
            Action::TakePayment { participant: None, amount },
            "take a payment of 1,000.00 USD which nobody is known to have paid",
            "take_payment",
            nobodys(),
        ),
        (
            Action::AttributePayment { participant, amount },
            "attribute 1,000.00 USD that came in to participant 21",
            "attribute_payment",
            owned(),
        ),
        (
            Action::PayOut { participant: Some(participant), amount },
            "pay 1,000.00 USD out to participant 21",
            "pay_out",
            owned(),
        ),
        (
            Action::PayOut { participant: None, amount },
            "pay 1,000.00 USD back to whoever had paid it",
            "pay_out",
            nobodys(),
        ),
        (
            Action::SetStockRule {
                programme,
                market: MarketId(1),
                rule: StockRule {
                    buys_at: units(60_000),
                    holds_most: tonnes(500),
                    releases_at: units(110_000),
                    releases_most: tonnes(100),
                },
            },
            "let programme 2 buy market 1 into stock at 60,000 up to 500, and release up to 100 an auction at 110,000 or more",
            "set_stock_rule",
            json!({
                "programme": 2, "market": 1, "buys_at": "60000", "holds_most": "500", "releases_at": "110000",
                "releases_most": "100",
            }),
        ),
        (
            Action::SetStressPrice { floor: FloorId(1), price: units(55_000) },
            "reserve for floor 1 down to 55,000",
            "set_stress_price",
            json!({"floor": 1, "price": "55000"}),
        ),
    ]
}

#[test]
fn a_stocks_order_is_shown() {
    let order = |side, budget| StockOrder {
        programme: PROGRAMME,
        side,
        price: units(60_000),
        quantity: tonnes(100),
        budget,
    };
    let buy = order(Side::Buy, "5000000".parse().ok());
    assert_eq!(
        super::super::money::order_text(&buy),
        ", in which programme 2 buys up to 100 at 60,000 for 5,000,000.00 or less"
    );
    assert_eq!(
        super::super::money::order_json(&buy),
        json!({"programme": 2, "side": "buy", "price": "60000", "quantity": "100", "budget": "5000000"})
    );
    let sell = order(Side::Sell, None);
    assert_eq!(super::super::money::order_text(&sell), ", in which programme 2 sells up to 100 at 60,000");
    assert_eq!(super::super::money::order_json(&sell)["budget"], Value::Null);
}

#[test]
fn what_programmes_and_auctions_pay_is_shown() {
    let (programme, auction, paid) = (PROGRAMME, AuctionId(2), dollars(60));
    let carried = vec![Claim { participant: ME, since: end_of_january(), amount: dollars(40) }];
    let claims = json!([{"participant": 21, "since": "2019-01-31", "amount": usd("40")}]);
    check(
        Event::ClaimsPaid { programme, paid, short: dollars(40), carried: carried.clone() },
        "programme 2 paid 60.00 USD, 40.00 USD short; participant 21 waits for 40.00 USD since 2019-01-31",
        "claims_paid",
        json!({"programme": 2, "paid": usd("60"), "short": usd("40"), "carried": claims}),
    );
    check(
        Event::SellersPaid { auction, paid, carried },
        "auction 2: sellers were paid 60.00 USD; participant 21 waits for 40.00 USD since 2019-01-31",
        "sellers_paid",
        json!({"auction": 2, "paid": usd("60"), "carried": claims}),
    );
    for (level, word) in [(Level::Normal, "normal"), (Level::High, "high"), (Level::Full, "full")] {
        check(
            Event::ProgrammeLevel { programme, level, used: dollars(800), funded: dollars(1_000) },
            &format!("programme 2 is at level {word}: 800.00 USD of 1,000.00 USD used"),
            "programme_level",
            json!({"programme": 2, "level": word, "used": usd("800"), "funded": usd("1000")}),
        );
    }
    check(
        Event::StockTraded {
            by: StockTradedBy::Auction(auction),
            trade: StockTrade {
                programme,
                market: MarketId(1),
                side: Side::Buy,
                price: units(60_000),
                quantity: tonnes(20),
                held: tonnes(120),
                at_cost: dollars(7_200_000),
            },
        },
        "auction 2: programme 2 buys 20 of market 1 at 60,000, holds 120 at a cost of 7,200,000.00 USD",
        "stock_traded",
        json!({
            "auction": 2, "deal": null, "programme": 2, "market": 1, "side": "buy", "price": "60000", "quantity": "20",
            "held": "120", "at_cost": usd("7200000"),
        }),
    );
}

#[test]
fn an_invoice_is_shown_from_its_issue_to_its_end() {
    let (participant, number, open) = (ME, 3, dollars(40));
    let invoice = |creditor, due| Event::InvoiceIssued {
        invoice: Invoice {
            number,
            participant,
            creditor,
            amount: dollars(100),
            issued: end_of_january(),
            due,
        },
    };
    check(
        invoice(Creditor::Auction(AuctionId(2)), "2019-02-04".parse().ok()),
        "invoice 3 of 2019-01-31: participant 21 owes 100.00 USD for auction 2, due by the end of 2019-02-04",
        "invoice_issued",
        json!({
            "number": 3, "participant": 21, "creditor": "auction 2", "amount": usd("100"),
            "issued": "2019-01-31", "due": "2019-02-04",
        }),
    );
    check(
        invoice(Creditor::Programme(PROGRAMME), None),
        "invoice 3 of 2019-01-31: participant 21 owes 100.00 USD for programme 2",
        "invoice_issued",
        json!({
            "number": 3, "participant": 21, "creditor": "programme 2", "amount": usd("100"),
            "issued": "2019-01-31", "due": null,
        }),
    );
    check(
        Event::InvoicePaid { number, participant, paid: dollars(60), open },
        "invoice 3: participant 21 paid 60.00 USD, 40.00 USD open",
        "invoice_paid",
        json!({"number": 3, "participant": 21, "paid": usd("60"), "open": usd("40")}),
    );
    check(
        Event::InvoiceLate { number, participant, open },
        "invoice 3 of participant 21 is late, 40.00 USD open",
        "invoice_late",
        json!({"number": 3, "participant": 21, "open": usd("40")}),
    );
}

#[test]
fn a_default_is_shown_from_the_notice_to_its_end() {
    let (participant, currency) = (ME, Currency::Usd);
    let until = end_of_january();
    check(
        Event::NoticeServed { participant, currency, breach: Breach::Payment, until },
        "participant 21 has notice until the end of 2019-01-31 to pay in USD",
        "notice_served",
        json!({
            "participant": 21, "currency": "USD", "breach": {"kind": "payment"}, "until": "2019-01-31",
        }),
    );
    let breach = Breach::Collateral { required: dollars(100), held: dollars(60) };
    check(
        Event::NoticeServed { participant, currency, breach, until },
        "participant 21 has notice until the end of 2019-01-31 to deposit collateral, 100.00 USD required and 60.00 USD held",
        "notice_served",
        json!({
            "participant": 21, "currency": "USD",
            "breach": {"kind": "collateral", "required": usd("100"), "held": usd("60")},
            "until": "2019-01-31",
        }),
    );
    check(
        Event::NoticeFollowed { participant, currency },
        "participant 21 followed its notice in USD",
        "notice_followed",
        json!({"participant": 21, "currency": "USD"}),
    );
    let used = |pot, of| PotUse { pot, of, amount: dollars(40) };
    let uses = vec![used(Pot::Collateral, Some(ME)), used(Pot::OwnResources, None)];
    check(
        Event::Defaulted { participant, owed: dollars(100), uncovered: dollars(20), uses },
        "participant 21 is in default: 100.00 USD owed, 20.00 USD not covered; 40.00 USD taken from collateral of \
         participant 21; 40.00 USD taken from own resources",
        "defaulted",
        json!({
            "participant": 21, "owed": usd("100"), "uncovered": usd("20"),
            "uses": [
                {"pot": "collateral", "of": 21, "amount": usd("40")},
                {"pot": "own-resources", "of": null, "amount": usd("40")},
            ],
        }),
    );
    for (is_made_good, part) in [(true, ""), (false, " in part")] {
        let returned = vec![used(Pot::DefaultFund, Some(ParticipantId(22)))];
        check(
            Event::DefaultMadeGood { participant, currency, returned, is_made_good },
            &format!(
                "participant 21's default in USD is made good{part}; 40.00 USD back to default fund of participant 22"
            ),
            "default_made_good",
            json!({
                "participant": 21, "currency": "USD", "is_made_good": is_made_good,
                "returned": [{"pot": "default-fund", "of": 22, "amount": usd("40")}],
            }),
        );
    }
    check(
        Event::ParticipantHalted { participant, by: IdentityId(1) },
        "participant 21 halted by identity 1",
        "participant_halted",
        json!({"participant": 21, "by": 1}),
    );
}

/// Every cause and every account has a name of its own.
#[test]
fn postings_are_shown_with_their_cause() {
    let (auction, programme) = (AuctionId(2), PROGRAMME);
    let amount = dollars(100);
    let postings =
        vec![Posting { from: Account::Participant(ME), to: Account::Claims(ParticipantId(22)), amount }];
    check(
        Event::Posted { at: Instant(0), cause: Cause::Award(auction), postings },
        "posted for awards of auction 2; 100.00 USD from participant 21 to claims of participant 22",
        "posted",
        json!({
            "at": "1970-01-01T00:00:00Z",
            "cause": "awards of auction 2",
            "postings": [
                {"from": "participant 21", "to": "claims of participant 22", "amount": usd("100")},
            ],
        }),
    );
    let causes = [
        (Cause::Funding(programme), "funding of programme 2"),
        (Cause::Reservation(programme), "reservations of programme 2"),
        (Cause::Deposit(ME), "deposits of participant 21"),
        (Cause::Bond(ME), "bid bonds of participant 21"),
        (Cause::Forfeit(auction), "bid bonds forfeited in auction 2"),
        (Cause::Award(auction), "awards of auction 2"),
        (Cause::Distribution(auction), "payment of the sellers of auction 2"),
        (Cause::Settlement(FloorId(1)), "settlement of floor 1"),
        (Cause::Programme(programme), "payments of programme 2"),
        (Cause::Payment, "payments in and out"),
        (Cause::Default(ME), "default of participant 21"),
        (Cause::Recovery(ME), "recovery from participant 21"),
        (Cause::OwnResources, "own resources"),
    ];
    for (cause, text) in causes {
        assert_eq!(words::cause(cause), text);
    }
    let accounts = [
        (Account::Participant(ME), "participant 21"),
        (Account::Claims(ME), "claims of participant 21"),
        (Account::Deposits(ME), "deposits of participant 21"),
        (Account::Collateral(ME), "collateral of participant 21, free"),
        (Account::Bonds(ME), "bid bonds of participant 21"),
        (Account::Contribution(ME), "contribution of participant 21"),
        (Account::Funders(programme), "funders of programme 2"),
        (Account::ProgrammeFree(programme), "programme 2, free"),
        (Account::ProgrammeReserved(programme), "programme 2, reserved"),
        (Account::ProgrammeSpent(programme), "programme 2, spent"),
        (Account::Stock(programme), "stock of programme 2"),
        (Account::Shortfall(programme), "shortfall of programme 2"),
        (Account::Promised(programme), "promises of programme 2"),
        (Account::Receivable(programme), "receivables of programme 2"),
        (Account::Proceeds(programme), "proceeds of programme 2"),
        (Account::OwnResources, "own resources"),
        (Account::Capital, "capital"),
        (Account::Bank, "bank"),
        (Account::Clearing, "clearing"),
        (Account::Rounding, "rounding"),
        (Account::Suspense, "suspense"),
    ];
    for (account, text) in accounts {
        assert_eq!(words::account(account), text);
    }
}
