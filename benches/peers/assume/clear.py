"""Clears the same call auctions with golv and with assume-framework's pay-as-clear market, and compares time, price and volume.

    python3 -m venv venv && venv/bin/pip install assume-framework
    venv/bin/python benches/peers/assume/clear.py [--most 10000] [--rounds 11]

Run in the root of the project. golv's bench `uniform` makes the books, writes them as CSV and clears them; here they are read, cleared
again, and must come to the same price and volume. Of each book the quickest clearing counts, of each size the median of its books.
What is timed is clearing alone, from a list of orders in memory to the price and what each order is given; the list is made anew each time, as
assume-framework writes into it. It shares a volume among orders of one price at random, golv gives it to the earlier ones, so fills are
not compared: price and volume are the same either way.

assume-framework is licensed under the AGPL. It is run and not copied.
"""

import argparse
import csv
import statistics
import subprocess
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from assume.common.market_objects import MarketConfig, MarketProduct
from assume.markets.clearing_algorithms.simple import PayAsClearRole
from dateutil.rrule import HOURLY, rrule

START = datetime(2026, 1, 1)
PRODUCT = (START, START + timedelta(hours=1), None)


def orders(rows: list[dict[str, str]]) -> list[dict]:
    """A book in the form of the framework: what is sold is positive, what is bought negative."""
    return [
        {
            "start_time": PRODUCT[0],
            "end_time": PRODUCT[1],
            "only_hours": None,
            "price": float(row["price"]),
            "volume": int(row["quantity"]) * (1 if row["side"] == "sell" else -1),
            "node": "node0",
            "bid_id": f"bid_{number}",
            "agent_addr": "agent",
        }
        for number, row in enumerate(rows)
    ]


def clear(file: Path, rounds: int, patience: float) -> tuple[float, float, float]:
    """The quickest clearing of a book in seconds, its price and its volume. No further round once `patience` seconds have passed."""
    with open(file) as lines:
        rows = list(csv.DictReader(lines))
    hours = rrule(HOURLY, dtstart=START, until=START + timedelta(days=1))
    role = PayAsClearRole(MarketConfig(opening_hours=hours, market_products=[MarketProduct(timedelta(hours=1), 1)]))
    quickest, began = float("inf"), time.perf_counter()
    for _ in range(rounds):
        book = orders(rows)
        begin = time.perf_counter()
        _, _, meta, _ = role.clear(book, [PRODUCT])
        quickest = min(quickest, time.perf_counter() - begin)
        if time.perf_counter() - began > patience:
            break
    [product] = meta
    assert product["supply_volume"] == product["demand_volume"] and product["min_price"] == product["max_price"], product
    return quickest, product["max_price"], product["supply_volume"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=10_000, help="orders of the largest book")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = ["cargo", "bench", "-q", "-p", "golv-engine", "--bench", "uniform", "--"]
        subprocess.run([*bench, "--dir", folder, "--most", str(options.most)], check=True)
        times: dict[int, list[tuple[float, float]]] = {}
        with open(Path(folder) / "golv.csv") as lines:
            for ours in csv.DictReader(lines):
                size = int(ours["orders"])
                seconds, price, volume = clear(Path(folder) / f"{size}-{ours['book']}.csv", options.rounds, 20)
                assert (price, volume) == (float(ours["price"]), int(ours["volume"])), (ours, price, volume)
                times.setdefault(size, []).append((float(ours["seconds"]), seconds))
    print("| orders | books | golv, ms | assume-framework, ms | ratio |")
    print("|--:|--:|--:|--:|--:|")
    for size, pairs in times.items():
        ours, theirs = (statistics.median(column) * 1e3 for column in zip(*pairs))
        print(f"| {size:,} | {len(pairs)} | {ours:.3f} | {theirs:,.2f} | {theirs / ours:,.0f} |")


main()
