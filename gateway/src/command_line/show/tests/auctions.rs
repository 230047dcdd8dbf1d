//! Events about auctions and their results.

use super::*;

#[test]
fn each_event_about_an_auction_is_shown() {
    let auction = AuctionId(2);
    let (limit, size) = (Some(units(95_000)), tonnes(20));
    check(Event::AuctionOpened { auction }, "auction 2 opened", "auction_opened", json!({"auction": 2}));
    check(Event::AuctionClosed { auction }, "auction 2 closed", "auction_closed", json!({"auction": 2}));
    check(
        Event::BidAccepted { auction, bid: BID, participant: ME, price: limit, quantity: size },
        "auction 2: bid 21.5 of participant 21 accepted, 20 at 95,000",
        "bid_accepted",
        json!({"auction": 2, "bid": "21.5", "participant": 21, "price": "95000", "quantity": "20"}),
    );
    check(
        Event::BidAccepted { auction, bid: BID, participant: ME, price: None, quantity: size },
        "auction 2: bid 21.5 of participant 21 accepted, 20 at any price",
        "bid_accepted",
        json!({"auction": 2, "bid": "21.5", "participant": 21, "price": null, "quantity": "20"}),
    );
    for (kept_priority, place) in [(true, "kept"), (false, "now last")] {
        let (price, quantity) = (limit, size);
        check(
            Event::BidReplaced { auction, bid: BID, participant: ME, price, quantity, kept_priority },
            &format!(
                "auction 2: bid 21.5 of participant 21 replaced, 20 at 95,000, its place in time {place}"
            ),
            "bid_replaced",
            json!({
                "auction": 2, "bid": "21.5", "participant": 21, "price": "95000", "quantity": "20",
                "kept_priority": kept_priority,
            }),
        );
    }
    check(
        Event::BidWithdrawn { auction, bid: BID, participant: ME },
        "auction 2: bid 21.5 of participant 21 withdrawn",
        "bid_withdrawn",
        json!({"auction": 2, "bid": "21.5", "participant": 21}),
    );
    check(Event::AuctionFinalised { auction }, "auction 2 final", "auction_finalised", json!({"auction": 2}));
}

fn result(fills: usize) -> AuctionResult {
    let (side, quantity, price) = (Side::Sell, tonnes(20), units(95_000));
    let fill = Fill { bid: BID, participant: ME, side, quantity, price, reason: Reason::Rationed };
    AuctionResult {
        certificate: Box::new(Certificate {
            decision: Decision::Price { price, step: Criterion::LeastSurplus },
            equilibrium: Equilibrium { low: Some(price), high: None },
            total_demand: tonnes(200),
            total_supply: tonnes(210),
            bought: tonnes(120),
            sold: tonnes(120),
            curve: vec![CurvePoint { price, demand: tonnes(130), supply: tonnes(140) }],
        }),
        fills: vec![fill; fills],
        ..AuctionResult::default()
    }
}

#[test]
fn a_result_is_shown_with_what_each_bid_was_given() {
    let (auction, final_at) = (AuctionId(2), NOON);
    check(
        Event::AuctionCleared { auction, final_at, result: result(1) },
        "auction 2 cleared: 95,000 for 120, wanted 130, offered 140, decided by least surplus, final at \
         2018-12-03T12:00:00Z; bid 21.5 of participant 21 sells 20",
        "auction_cleared",
        json!({
            "auction": 2, "final_at": "2018-12-03T12:00:00Z", "price": "95000", "volume": "120",
            "demand": "130", "supply": "140", "decided_by": "least-surplus", "reserved": null,
            "certificate": {
                "equilibrium": {"low": "95000", "high": null}, "total_demand": "200", "total_supply": "210",
                "bought": "120", "sold": "120",
                "curve": [{"price": "95000", "demand": "130", "supply": "140"}],
            },
            "fills": [{
                "bid": "21.5", "participant": 21, "side": "sell", "quantity": "20", "price": "95000",
                "reason": "rationed",
            }],
            "unfilled": [], "draw": null, "stack": null, "solution": null,
        }),
    );
    let draw = Draw { secret: DrawSecret([0xef; 32]), bids: Digest([0xab; 32]) };
    let unfilled = Unfilled {
        bid: BID,
        participant: ME,
        reason: Reason::NothingTraded,
        winning_limit: WinningLimit::At(units(96_000)),
    };
    let nothing = AuctionResult {
        unfilled: vec![unfilled],
        reserved: Some(dollars(0)),
        draw: Some(draw),
        ..AuctionResult::default()
    };
    check(
        Event::AuctionCleared { auction, final_at, result: nothing },
        "auction 2 cleared: nothing crossed, wanted 0, offered 0, 0.00 USD to be reserved, final at \
         2018-12-03T12:00:00Z; bid 21.5 of participant 21 gets nothing: nothing traded, 96,000 would have won",
        "auction_cleared",
        json!({
            "auction": 2, "final_at": "2018-12-03T12:00:00Z", "price": null, "volume": "0",
            "demand": "0", "supply": "0", "decided_by": null, "fills": [],
            "certificate": {
                "equilibrium": {"low": null, "high": null}, "total_demand": "0", "total_supply": "0",
                "bought": "0", "sold": "0", "curve": [],
            },
            "unfilled": [{"bid": "21.5", "participant": 21, "reason": "nothing-traded", "winning_limit": "96000"}],
            "reserved": {"amount": "0.00", "currency": "USD"},
            "draw": {"secret": "ef".repeat(32), "bids": "ab".repeat(32), "seed": draw.seed().to_string()}, "stack": null, "solution": null,
        }),
    );
    let many = Event::AuctionCleared { auction, final_at, result: result(LISTED_MAX + 2) };
    let line = event_line(&Numbered { number: 1, sequence: Sequence(1), event: many });
    assert_eq!(line.matches("bid 21.5").count(), LISTED_MAX);
    assert!(line.ends_with("; and 2 more"), "{line}");
}
