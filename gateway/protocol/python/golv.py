"""The exchange's messages in Python, written from docs/protocol.md alone.

A codec, and what a client in another language begins with: frames, every message, every command, action, event and refusal. It has
no network: the bytes are what goes over the QUIC stream. Nothing here is used by the exchange.

A type is a pair of functions, to bytes and from bytes. A struct is a dict, a variant the pair (name, fields); what has no name of
its own is an int, a str, bytes, a list or None.
"""

import struct


class Type:
    """Something that has a form in bytes."""

    def __init__(self, write, read, table=()):
        self.write, self.read, self.table = write, read, table


class Reader:
    """Bytes that are read from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        end = self.at + count
        if end > len(self.data):
            raise ValueError(f"{count} bytes are wanted at {self.at}, and {len(self.data) - self.at} are left")
        self.at = end
        return self.data[end - count : end]


def number(form):
    size = struct.calcsize(form)
    return Type(lambda value: struct.pack(form, value), lambda reader: struct.unpack(form, reader.take(size))[0])


u8, u16, u32, u64 = number("<B"), number("<H"), number("<I"), number("<Q")
i32, i64 = number("<i"), number("<q")
i128 = Type(
    lambda value: value.to_bytes(16, "little", signed=True),
    lambda reader: int.from_bytes(reader.take(16), "little", signed=True),
)


def raw(count):
    return Type(lambda value: bytes(value), lambda reader: bytes(reader.take(count)))


def list_of(kind):
    def write(values):
        return u64.write(len(values)) + b"".join(kind.write(value) for value in values)

    def read(reader):
        return [kind.read(reader) for _ in range(u64.read(reader))]

    return Type(write, read)


def optional(kind):
    def write(value):
        return b"\0" if value is None else b"\1" + kind.write(value)

    def read(reader):
        tag = u8.read(reader)
        if tag > 1:
            raise ValueError(f"an optional value begins with 0 or 1, and not with {tag}")
        return kind.read(reader) if tag else None

    return Type(write, read)


def fields(**kinds):
    def write(value):
        if value.keys() != kinds.keys():
            raise ValueError(f"these fields are wanted: {', '.join(kinds)}")
        return b"".join(kind.write(value[name]) for name, kind in kinds.items())

    return Type(write, lambda reader: {name: kind.read(reader) for name, kind in kinds.items()})


nothing = fields()


def variants(*known, **with_fields):
    """Names in their order; those with fields are given by keyword, in the same order, after those without."""
    table = [(name, nothing) for name in known] + list(with_fields.items())
    return variants_of(table)


def variants_of(table):
    numbers = {name: place for place, (name, _) in enumerate(table)}

    def write(value):
        name, content = value
        return u32.write(numbers[name]) + table[numbers[name]][1].write(content)

    def read(reader):
        place = u32.read(reader)
        if place >= len(table):
            raise ValueError(f"there are {len(table)} variants, and none has the number {place}")
        name, kind = table[place]
        if kind is None:
            raise ValueError(f"{name} is never sent")
        return name, kind.read(reader)

    return Type(write, read, table)


text = Type(
    lambda value: (lambda data: u64.write(len(data)) + data)(value.encode()),
    lambda reader: reader.take(u64.read(reader)).decode(),
)
country = Type(lambda value: value.encode("ascii"), lambda reader: reader.take(2).decode("ascii"))
digest = raw(32)

# Numbers by what they mean.
price = quantity = millionths = i64
instant, month, day = i64, i32, i32
share = u32
flag = u8
participant = identity = owner_group = market = index = programme = floor = auction = entitlement = u32
board = entry = u32
version = sequence = command_id = u64
lots = i64
welfare = i128

currency = variants("EUR", "USD", "GBP", "CNY", "JPY")
side = variants("buy", "sell")
role = variants("operator", "supplier", "buyer", "publisher", "auditor", "group lead", "observer")
unit = variants("kg", "t", "kg-month", "t-month", "money-year")
amount = fields(currency=currency, millionths=i64)
named_by_command = fields(identity=identity, command=command_id)
bid = proposal = named_by_command
position = fields(sequence=sequence, chain=digest)
draw_secret = raw(32)

observation = fields(price=price, volume=optional(quantity), source=optional(text))
delivery = fields(
    sold=quantity,
    from_stock=quantity,
    stockpiled=quantity,
    destination=optional(country),
    evidence=optional(digest),
)
details = fields(
    minimum=quantity, technology=optional(u16), year=u16, quality=quantity, unit=optional(u32)
)

# Boards.
counterparty = variants_of([("entry", entry), ("participant", participant)])
negotiation = fields(entry=entry, counterparty=counterparty, number=u32)
goods = fields(grade=optional(text), purity=optional(share), place=optional(text), origin=optional(country))
listing = fields(
    side=side,
    goods=goods,
    minimum=quantity,
    quantity=quantity,
    first=day,
    last=day,
    sector=optional(text),
    valid_until=instant,
)
terms = fields(price=optional(price), quantity=quantity, first=day, last=day)
party = variants_of([("participant", participant), ("stock", programme)])
consent = variants_of([("identity", identity), ("stock", nothing)])
sides = fields(seller=optional(party), buyer=optional(party))
dual_price = fields(lots=i64, surplus=i128)
dual_prices = fields(offers=list_of(dual_price), requests=list_of(dual_price))
round_deal = fields(offer=entry, request=entry, lots=lots)
round_solution = fields(
    digest=digest, deals=list_of(round_deal), duals=optional(dual_prices), bound=optional(lots)
)
proof = variants_of([("proved", nothing), ("claimed", lots), ("unknown", nothing)])
round_entry = fields(
    entry=entry,
    side=side,
    party=u32,
    owner=u32,
    goods=goods,
    first=day,
    last=day,
    minimum=lots,
    quantity=lots,
    limit=price,
    sector=u32,
)
price_of_deal = variants_of([("uniform", nothing), ("between", share), ("ask", nothing)])
board_terms = fields(
    name=text,
    market=market,
    preference=variants("surplus", "priority", "pro rata"),
    price=price_of_deal,
    floor=optional(price),
    origin_cap=optional(share),
    owner_cap=optional(share),
    sectors=list_of(text),
    solution_seconds=u32,
    answer_seconds=u32,
    most_counters=u32,
)

# Rules of auctions.
criterion = variants(
    "most volume",
    "least surplus",
    "surplus side",
    "pressure",
    "reference",
    "midpoint",
    "highest",
    "lowest",
    "last accepted offer",
)
payment = variants("one price", "own price")
quote = fields(bid=price, ask=price)
rule = fields(
    candidates=variants("limits", "ticks", "interval"),
    cascade=list_of(criterion),
    allocation=variants(
        "price-time", "pro rata", "quantity priority", "round up", "minimum fill", "seeded draw"
    ),
    payment=payment,
    reference_price=optional(price),
    tick=optional(price),
    rounding=variants("up", "down", "half up", "half down", "half even"),
    lot=optional(quantity),
    minimum=optional(quantity),
    band=optional(u32),
    floor=optional(price),
    ceiling=optional(price),
    quote=optional(quote),
)
size = variants_of([("quantity", quantity), ("amount", i64)])
limit = fields(
    name=text,
    each=variants("all", "owner group", "offer"),
    technologies=list_of(text),
    years=optional(variants_of([("in", u16), ("until", u16)])),
    most=variants_of([("quantity", quantity), ("amount", fields(amount=i64, reference=price))]),
)
technology = fields(name=text, pot=optional(text), ceiling=optional(price), premium=optional(price))
support_rule = fields(
    payment=payment,
    misfit=variants("stop", "skip", "close year"),
    ties=variants("earliest", "seeded draw"),
    whole_offers=flag,
    uncontested=variants("clearing", "ceiling"),
    ceiling=optional(price),
    lot=optional(quantity),
    periods=optional(u32),
    quality_rate=optional(price),
    technologies=list_of(technology),
    limits=list_of(limit),
    minima=list_of(limit),
    most_of_offered=optional(u32),
    least_owner_groups=optional(u32),
    void_if_all_win=flag,
    origin_cap=optional(
        fields(
            share=u32,
            positions=list_of(fields(country=country, quantity=quantity)),
            exempt=list_of(country),
        )
    ),
)
stack = fields(
    rule=support_rule,
    budget=optional(i64),
    bond=optional(price),
    acceptance_seconds=optional(u32),
)
stock_order = fields(
    programme=programme, side=side, price=price, quantity=quantity, budget=optional(i64)
)
auction_kind = variants_of(
    [
        ("call", fields(market=market, stock=optional(stock_order))),
        ("support", fields(floor=floor, per_period=quantity)),
        (
            "purchase",
            fields(market=market, programme=programme, quantity=quantity, worst_sale_price=price),
        ),
        ("sale", fields(purchase=auction)),
    ]
)
auction_terms = fields(
    kind=auction_kind,
    opens_at=instant,
    closes_at=instant,
    challenge_seconds=u32,
    rule=variants_of(
        [("price", rule), ("stack", stack), ("solution", fields(rule=rule, solution_seconds=u32))]
    ),
    draw_commitment=optional(digest),
)
solution = fields(
    digest=digest,
    given=list_of(fields(bid=bid, quantity=quantity)),
    bound=optional(welfare),
)

# Contracts.
upside = fields(above=optional(price), share=share, annual_cap=optional(i64), condition=optional(text))
indexation = fields(
    index=index,
    base_value=price,
    from_month=u8,
    value_month=u8,
    unit=price,
    rounding=variants("half even", "half up"),
)
contract = fields(
    calendar=variants("daily", "monthly", "quarterly"),
    support=share,
    upside=optional(upside),
    minimum=optional(price),
    suspension=variants("never", "negative", "not positive"),
    annual_volume=optional(quantity),
    averaging=variants("simple", "volume-weighted", "delivery-weighted"),
    least_observations=u32,
    fallback=optional(index),
    measure=variants("fixed", "metered"),
    destinations=list_of(country),
    evidence=flag,
    indexation=optional(indexation),
    interest=optional(share),
)
floor_terms = fields(
    market=market,
    programme=programme,
    index=index,
    price=price,
    stress_price=price,
    first=month,
    last=month,
    origins=list_of(country),
    contract=contract,
)

# Money.
pot = variants("collateral", "contribution", "own resources", "default fund")
clearing_terms = fields(
    holidays=list_of(day),
    due_days=u8,
    notice_days=u8,
    debt_cover=share,
    contract_cover_days=u16,
    waterfall=list_of(pot),
)
account = variants_of(
    [(name, participant) for name in ("participant", "claims", "deposits", "collateral", "bonds", "contribution")]
    + [
        (name, programme)
        for name in (
            "funders",
            "programme free",
            "programme reserved",
            "programme spent",
            "stock",
            "shortfall",
            "promised",
            "receivable",
            "proceeds",
        )
    ]
    + [(name, nothing) for name in ("own resources", "capital", "bank", "clearing", "rounding", "suspense")]
)
cause = variants_of(
    [
        ("funding", programme),
        ("reservation", programme),
        ("deposit", participant),
        ("bond", participant),
        ("forfeit", auction),
        ("award", auction),
        ("distribution", auction),
        ("settlement", floor),
        ("programme", programme),
        ("payment", nothing),
        ("default", participant),
        ("recovery", participant),
        ("own resources", nothing),
        ("deal", negotiation),
    ]
)
posting = fields(**{"from": account, "to": account, "amount": amount})
claim = fields(participant=participant, since=day, amount=amount)
pot_use = fields(pot=pot, of=optional(participant), amount=amount)

action = variants_of(
    [
        (
            "RegisterParticipant",
            fields(participant=participant, name=text, owner_group=owner_group, roles=list_of(role)),
        ),
        ("AddIdentity", fields(identity=identity, participant=participant)),
        ("BindKey", fields(identity=identity, key=digest, others_end_at=optional(instant))),
        ("RevokeIdentity", fields(identity=identity)),
        ("SetStanding", fields(participant=participant, standing=variants("active", "suspended"))),
        (
            "DefineMarket",
            fields(
                market=market,
                name=text,
                unit=unit,
                currency=currency,
                lot=quantity,
                tick=price,
                lowest=price,
                highest=price,
                largest=quantity,
            ),
        ),
        (
            "DefineIndex",
            fields(
                index=index,
                name=text,
                currency=optional(currency),
                publisher=participant,
                guard=optional(share),
            ),
        ),
        (
            "OpenProgramme",
            fields(
                programme=programme,
                name=text,
                currency=currency,
                backing=variants_of([("guaranteed", text), ("capped", nothing)]),
            ),
        ),
        ("FundProgramme", fields(programme=programme, funder=text, amount=amount)),
        ("DepositCollateral", fields(participant=participant, amount=amount)),
        ("ReturnCollateral", fields(participant=participant, amount=amount)),
        ("ContributeToDefaultFund", fields(participant=participant, amount=amount)),
        ("ReturnContribution", fields(participant=participant, amount=amount)),
        ("SetOwnResourcesAside", fields(amount=amount)),
        ("SetClearingTerms", fields(currency=currency, terms=clearing_terms)),
        ("TakePayment", fields(participant=optional(participant), amount=amount)),
        ("AttributePayment", fields(participant=participant, amount=amount)),
        ("PayOut", fields(participant=optional(participant), amount=amount)),
        (
            "SetStockRule",
            fields(
                programme=programme,
                market=market,
                buys_at=price,
                holds_most=quantity,
                releases_at=price,
                releases_most=quantity,
            ),
        ),
        ("SetStressPrice", fields(floor=floor, price=price)),
        ("SetFloor", fields(floor=floor, terms=floor_terms)),
        ("AnnounceAuction", fields(auction=auction, terms=auction_terms)),
        ("CancelAuction", fields(auction=auction)),
        ("GrantEntitlement", fields(floor=floor, holder=participant, per_period=quantity)),
        ("NovateEntitlement", fields(entitlement=entitlement, to=participant)),
        ("TerminateEntitlement", fields(entitlement=entitlement, last=day)),
        ("ShareUpside", fields(entitlement=entitlement, first=day)),
        ("ReleaseReferencePrice", fields(index=index, day=day, observation=observation)),
        ("Settle", fields(floor=floor, period=day, version=version)),
        ("ChangeRules", fields(version=u32)),
        ("OpenBoard", fields(board=board, terms=board_terms)),
        ("PostStockEntry", fields(board=board, programme=programme, listing=listing, limit=price)),
        ("WithdrawStockEntry", fields(entry=entry)),
        ("GrantOnDeal", fields(deal=negotiation, floor=floor, per_period=quantity)),
    ]
)

command = variants_of(
    [
        # The system's: nobody else can send them.
        ("Found", None),
        ("Tick", nothing),
        ("SetClock", fields(to=instant)),
        ("Propose", fields(action=action)),
        ("Confirm", fields(proposal=proposal)),
        ("WithdrawProposal", fields(proposal=proposal)),
        (
            "PlaceBid",
            fields(
                auction=auction,
                side=side,
                price=optional(price),
                quantity=quantity,
                origin=optional(country),
                details=optional(details),
            ),
        ),
        ("ReplaceBid", fields(auction=auction, bid=bid, price=optional(price), quantity=quantity)),
        ("WithdrawBid", fields(auction=auction, bid=bid)),
        ("WithdrawAll", nothing),
        ("Halt", fields(participant=participant)),
        ("ClearAuction", fields(auction=auction, secret=optional(draw_secret))),
        ("ProposeSolution", fields(auction=auction, solution=solution)),
        ("AcceptAward", fields(auction=auction, bid=bid)),
        ("DeclineAward", fields(auction=auction, bid=bid)),
        ("PublishReferencePrice", fields(index=index, day=day, observation=observation)),
        ("ReportDelivery", fields(entitlement=entitlement, day=day, delivery=delivery)),
        ("PostEntry", fields(board=board, listing=listing, limit=price, is_group=flag)),
        ("ReplaceEntry", fields(entry=entry, listing=listing, limit=price)),
        ("WithdrawEntry", fields(entry=entry)),
        ("JoinGroup", fields(entry=entry, quantity=quantity, limit=price)),
        ("LeaveGroup", fields(entry=entry, member=participant)),
        ("CallRound", fields(board=board)),
        ("ProposeDeals", fields(board=board, solution=round_solution)),
        ("Negotiate", fields(entry=entry, counterparty=counterparty, terms=terms)),
        ("CounterTerms", fields(negotiation=negotiation, turn=u32, terms=terms)),
        ("AcceptTerms", fields(negotiation=negotiation, turn=u32)),
        ("EndNegotiation", fields(negotiation=negotiation)),
        ("LineLost", fields(identity=identity)),
    ]
)

# Results.
reason = variants(
    "in the money",
    "at the price",
    "rationed",
    "nothing left",
    "minimum not met",
    "out of the money",
    "nothing traded",
    "no quantity",
)
winning_limit = variants_of([("price", price), ("nowhere", nothing), ("not looked for", nothing)])
certificate = fields(
    decision=variants_of(
        [
            ("price", fields(price=price, step=criterion)),
            ("nothing trades", nothing),
            ("undecided", fields(lowest=optional(price), highest=optional(price))),
        ]
    ),
    lowest=optional(price),
    highest=optional(price),
    demand=quantity,
    supply=quantity,
    bought=quantity,
    sold=quantity,
    curve=list_of(fields(price=price, demand=quantity, supply=quantity)),
)
fill = fields(
    bid=bid, participant=participant, side=side, quantity=quantity, price=price, reason=reason
)
unfilled = fields(bid=bid, participant=participant, reason=reason, winning_limit=winning_limit)
constraint = variants_of([("limit", u32), ("competition", nothing), ("origin", country)])
stack_reason = variants_of(
    [
        ("limited", list_of(fields(constraint=constraint, size=size))),
        ("stopped", constraint),
        ("year closed", nothing),
        ("excluded", nothing),
        ("above its ceiling", nothing),
        ("void", nothing),
    ]
)
totals = fields(quantity=quantity, cost=i64)
stack_part = fields(
    void=optional(variants_of([("owners", u32), ("all win", nothing)])),
    clearing=list_of(
        fields(pot=optional(text), minimum=optional(u32), year=u16, score=optional(price))
    ),
    limits=list_of(fields(name=text, used=optional(size))),
    totals=totals,
    without_origin_cap=optional(totals),
    refused=list_of(
        fields(bid=bid, participant=participant, reason=stack_reason, winning_limit=winning_limit)
    ),
)
solution_part = fields(
    by=identity,
    price=optional(price),
    step=optional(criterion),
    volume=quantity,
    welfare=welfare,
    proved_bound=optional(welfare),
    claimed_bound=optional(welfare),
    rejected_in_the_money=u32,
)
line = fields(
    entitlement=entitlement,
    holder=participant,
    strike=price,
    reference_price=optional(price),
    delivered=quantity,
    quantity=quantity,
    rule=variants(
        "support", "upside", "upside capped", "both", "between", "suspended", "no volume"
    ),
    amount=amount,
    remainder=amount,
    delta=amount,
    interest=amount,
)
deal_of_event = dict(
    board=board,
    seller=party,
    buyer=party,
    seller_consent=consent,
    buyer_consent=consent,
    price=price,
    quantity=quantity,
    first=day,
    last=day,
    goods=goods,
    shares=list_of(fields(participant=participant, quantity=quantity)),
)

event = variants_of(
    [
        ("Founded", fields(participant=participant)),
        ("ClockSet", fields(to=instant)),
        ("ActionProposed", fields(proposal=proposal, action=action)),
        ("ActionConfirmed", fields(proposal=proposal, by=identity, action=action)),
        ("ProposalWithdrawn", fields(proposal=proposal)),
        ("AuctionOpened", fields(auction=auction)),
        ("AuctionClosed", fields(auction=auction)),
        (
            "BookClosed",
            fields(
                auction=auction,
                digest=digest,
                bids=list_of(
                    fields(
                        bid=bid, side=side, price=optional(price), quantity=quantity, minimum=quantity
                    )
                ),
            ),
        ),
        (
            "SolutionProposed",
            fields(auction=auction, by=identity, welfare=welfare, volume=quantity, is_best=flag),
        ),
        (
            "BidAccepted",
            fields(
                auction=auction,
                bid=bid,
                participant=participant,
                price=optional(price),
                quantity=quantity,
            ),
        ),
        (
            "BidReplaced",
            fields(
                auction=auction,
                bid=bid,
                participant=participant,
                price=optional(price),
                quantity=quantity,
                kept_priority=flag,
            ),
        ),
        ("BidWithdrawn", fields(auction=auction, bid=bid, participant=participant)),
        (
            "AuctionCleared",
            fields(
                auction=auction,
                final_at=instant,
                certificate=certificate,
                fills=list_of(fill),
                unfilled=list_of(unfilled),
                reserved=optional(amount),
                draw=optional(fields(secret=draw_secret, digest=digest)),
                stack=optional(stack_part),
                solution=optional(solution_part),
            ),
        ),
        (
            "AwardsOffered",
            fields(
                auction=auction,
                until=instant,
                awards=list_of(
                    fields(
                        bid=bid,
                        participant=participant,
                        quantity=quantity,
                        price=price,
                        from_reserve=flag,
                        is_accepted=flag,
                    )
                ),
            ),
        ),
        ("AwardAccepted", fields(auction=auction, bid=bid, participant=participant)),
        (
            "AwardDeclined",
            fields(auction=auction, bid=bid, participant=participant, forfeited=optional(amount)),
        ),
        ("AuctionFinalised", fields(auction=auction)),
        (
            "SaleSettled",
            fields(
                auction=auction,
                purchase=auction,
                sold=quantity,
                gap=amount,
                lines=list_of(
                    fields(bid=bid, participant=participant, quantity=quantity, price=price)
                ),
            ),
        ),
        (
            "EntitlementGranted",
            fields(
                entitlement=entitlement,
                floor=floor,
                holder=participant,
                strike=price,
                per_period=quantity,
                first=day,
                last=day,
                upside_from=optional(day),
                reserved=amount,
                deal=optional(negotiation),
            ),
        ),
        ("EntitlementNovated", fields(entitlement=entitlement, before=participant, to=participant)),
        (
            "EntitlementTerminated",
            fields(entitlement=entitlement, holder=participant, last=day, released=amount),
        ),
        ("UpsideShared", fields(entitlement=entitlement, holder=participant, first=day)),
        (
            "ReferencePricePublished",
            fields(index=index, day=day, revision=u32, version=version, observation=observation),
        ),
        (
            "ReferencePriceHeld",
            fields(
                index=index, day=day, publisher=participant, observation=observation, before=price
            ),
        ),
        (
            "DeliveryReported",
            fields(
                entitlement=entitlement,
                holder=participant,
                day=day,
                revision=u32,
                version=version,
                delivery=delivery,
            ),
        ),
        (
            "SettlementRunCompleted",
            fields(
                floor=floor,
                first=day,
                last=day,
                number=u32,
                version=version,
                day=day,
                index=index,
                reference_price=optional(price),
                lines=list_of(line),
                posted=amount,
                free=amount,
                reserved=amount,
            ),
        ),
        (
            "ClaimsPaid",
            fields(programme=programme, paid=amount, short=amount, carried=list_of(claim)),
        ),
        (
            "ProgrammeLevel",
            fields(
                programme=programme,
                level=variants("normal", "high", "full"),
                used=amount,
                funded=amount,
            ),
        ),
        (
            "InvoiceIssued",
            fields(
                number=u64,
                participant=participant,
                creditor=variants_of([("auction", auction), ("programme", programme)]),
                amount=amount,
                issued=day,
                due=optional(day),
            ),
        ),
        ("InvoicePaid", fields(number=u64, participant=participant, paid=amount, open=amount)),
        ("InvoiceLate", fields(number=u64, participant=participant, open=amount)),
        ("SellersPaid", fields(auction=auction, paid=amount, carried=list_of(claim))),
        (
            "NoticeServed",
            fields(
                participant=participant,
                currency=currency,
                breach=variants_of(
                    [("payment", nothing), ("collateral", fields(required=amount, held=amount))]
                ),
                until=day,
            ),
        ),
        ("NoticeFollowed", fields(participant=participant, currency=currency)),
        (
            "Defaulted",
            fields(
                participant=participant, owed=amount, uncovered=amount, uses=list_of(pot_use)
            ),
        ),
        (
            "DefaultMadeGood",
            fields(
                participant=participant,
                currency=currency,
                returned=list_of(pot_use),
                is_made_good=flag,
            ),
        ),
        ("ParticipantHalted", fields(participant=participant, by=identity)),
        (
            "StockTraded",
            fields(
                by=variants_of([("auction", auction), ("deal", negotiation)]),
                programme=programme,
                market=market,
                side=side,
                price=price,
                quantity=quantity,
                held=quantity,
                at_cost=amount,
            ),
        ),
        ("Posted", fields(at=instant, cause=cause, postings=list_of(posting))),
        (
            "EntryPosted",
            fields(
                entry=entry,
                board=board,
                owner=optional(fields(party=party, posted=optional(named_by_command))),
                listing=listing,
                limit=optional(price),
                is_group=flag,
            ),
        ),
        (
            "EntryReplaced",
            fields(
                entry=entry,
                board=board,
                owner=optional(party),
                listing=listing,
                limit=optional(price),
            ),
        ),
        ("EntryQuantity", fields(entry=entry, board=board, quantity=quantity)),
        (
            "EntryClosed",
            fields(entry=entry, board=board, end=variants("withdrawn", "expired", "dealt out")),
        ),
        (
            "GroupJoined",
            fields(
                entry=entry,
                lead=optional(participant),
                member=participant,
                quantity=quantity,
                limit=price,
            ),
        ),
        ("GroupLeft", fields(entry=entry, lead=optional(participant), member=participant)),
        ("RoundCalled", fields(board=board, until=instant)),
        ("RoundBook", fields(board=board, digest=digest, entries=list_of(round_entry))),
        (
            "DealsProposed",
            fields(board=board, by=identity, lots=lots, surplus=i128, proof=proof, is_best=flag),
        ),
        ("RoundHeld", fields(board=board, lots=lots, proposals=u32, proof=proof)),
        (
            "NegotiationOpened",
            fields(
                negotiation=negotiation,
                board=board,
                sides=sides,
                by=optional(side),
                terms=terms,
                until=instant,
            ),
        ),
        (
            "TermsCountered",
            fields(
                negotiation=negotiation, sides=sides, by=side, turn=u32, terms=terms, until=instant
            ),
        ),
        ("TermsAccepted", fields(negotiation=negotiation, sides=sides, by=side)),
        (
            "NegotiationEnded",
            fields(
                negotiation=negotiation,
                sides=sides,
                end=variants("declined", "withdrawn", "lapsed", "entry gone"),
            ),
        ),
        ("DealMade", fields(negotiation=negotiation, **deal_of_event)),
        (
            "DealShared",
            fields(
                negotiation=negotiation,
                member=participant,
                seller=party,
                price=price,
                quantity=quantity,
                first=day,
                last=day,
            ),
        ),
        ("LineLost", fields(identity=identity, participant=participant)),
    ]
)

# What the fields of refusals are.
pair = fields(offer=u32, request=u32)
REFUSED_WITH = {
    "SupportRuleFault": variants(
        "too long",
        "unlimited",
        "lot zero",
        "name twice",
        "unknown technology",
        "money for each",
        "minimum for each",
        "minimum over pots",
        "uncontested without ceiling",
        "country twice",
    ),
    "OfferFault": variants_of(
        [
            ("quantity zero", nothing),
            ("off lot", quantity),
            ("minimum above quantity", quantity),
            ("technology", nothing),
            ("origin missing", nothing),
            ("score too large", nothing),
            ("not standing", nothing),
        ]
    ),
    "FaultKind": variants(
        "unknown order",
        "given twice",
        "not wanted",
        "unsupported",
        "unbalanced",
        "bound too low",
        "passed over",
        "later accepted",
        "wrong number",
    ),
    "Fault": variants_of(
        [
            ("pair", pair),
            ("lots", pair),
            ("quantity", u32),
            ("price", pair),
            ("cap", nothing),
            ("worth", nothing),
            ("dual prices", nothing),
        ]
    ),
    "Option<BidId>": optional(bid),
    "BidId": bid,
    "ProposalId": proposal,
    "NegotiationId": negotiation,
    "Instant": instant,
    "Day": day,
    "Price": price,
    "Quantity": quantity,
    "Money": amount,
    "Country": country,
    "CommandId": command_id,
    "DataVersion": version,
    "u32": u32,
}


def refusals(rows):
    """The refusals of a table of (name, [(field, type)]), in the order of their variants."""

    def kind(name):
        if name in REFUSED_WITH:
            return REFUSED_WITH[name]
        if name.endswith("Id"):
            return u32
        raise ValueError(f"what is a {name}?")

    return [(name, fields(**{of: kind(what) for of, what in its})) for name, its in rows]


def outcome(refused):
    return variants_of([("done", nothing), ("refused", refused)])


closing = variants(
    "Stopping",
    "Malformed",
    "OtherVersion",
    "UnknownKey",
    "ServerBehind",
    "Superseded",
    "TooSlow",
    "Silent",
    "Busy",
    "HistoryGone",
    "TooFast",
    "Fault",
)

purpose = variants_of([("commands", variants("leave", "withdraw")), ("drop copy", nothing)])
rate = fields(per_second=u32, at_once=u32)
limits = fields(in_flight=u32, commands=rate, withdrawals=rate)
fact = variants_of(
    [
        ("terms", action),
        (
            "auction",
            fields(
                auction=auction,
                progress=variants_of(
                    [
                        ("announced", nothing),
                        ("open", nothing),
                        ("closed", nothing),
                        ("cleared", fields(final_at=instant)),
                        ("asking", fields(until=instant)),
                    ]
                ),
            ),
        ),
        ("programme", fields(programme=programme, level=variants("normal", "high", "full"))),
        ("price", fields(index=index, day=day, revision=u32, observation=observation)),
        ("entry", fields(entry=entry, board=board, listing=listing, is_group=flag)),
    ]
)


def to_exchange():
    """What a client says."""
    return variants_of(
        [
            (
                "Logon",
                fields(
                    oldest=u16,
                    newest=u16,
                    events_seen=u64,
                    acknowledged=optional(position),
                    purpose=purpose,
                ),
            ),
            ("Submit", fields(id=command_id, command=command)),
            ("Heartbeat", nothing),
            ("Downloaded", fields(number=u64)),
            ("Download", fields(number=u64)),
            ("Watch", nothing),
        ]
    )


def to_client(refused):
    """What the exchange says, with the table of its refusals."""
    return variants_of(
        [
            (
                "LoggedOn",
                fields(
                    protocol=u16,
                    identity=identity,
                    participant=participant,
                    highest=command_id,
                    events=u64,
                    position=position,
                    limits=limits,
                ),
            ),
            (
                "Answered",
                fields(id=command_id, sequence=sequence, outcome=outcome(refused), position=position),
            ),
            ("Busy", fields(id=command_id)),
            ("Happened", fields(number=u64, sequence=sequence, event=event)),
            ("Announced", fields(number=u64, sequence=sequence, bytes=u64, digest=digest)),
            ("Heartbeat", nothing),
            ("Closing", fields(reason=closing)),
            ("OverLimit", fields(id=command_id, wait_ms=u32)),
            (
                "Copied",
                fields(
                    identity=identity,
                    id=command_id,
                    sequence=sequence,
                    outcome=outcome(refused),
                    position=position,
                ),
            ),
            ("State", fact),
            ("StateTold", fields(position=position)),
            ("Public", fields(sequence=sequence, event=event)),
            ("Reached", fields(position=position)),
        ]
    )


FRAME_MAX = 65_536


def frame(kind, message):
    """A message in its frame."""
    data = kind.write(message)
    if len(data) > FRAME_MAX:
        raise ValueError(f"a frame has at most {FRAME_MAX} bytes, and this message {len(data)}")
    return u32.write(len(data)) + data


def unframe(kind, data):
    """The message of a frame, which must be whole, with nothing after it."""
    reader = Reader(data)
    length = u32.read(reader)
    if length > FRAME_MAX:
        raise ValueError(f"a frame has at most {FRAME_MAX} bytes, and this says {length}")
    inner = Reader(reader.take(length))
    message = kind.read(inner)
    if inner.at != length or reader.at != len(data):
        raise ValueError("something follows the message")
    return message
