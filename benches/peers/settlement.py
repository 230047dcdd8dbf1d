"""Times `golv settle` end to end, beside Polars and DuckDB with the same query on the same files.

    python3 -m venv venv && venv/bin/pip install polars duckdb
    cargo build --release
    venv/bin/python benches/peers/settlement.py --golv target/release/golv [--rows 1000000] [--rounds 5]

Contracts are two-way and daily, on twenty indices; each day of each contract is delivered once. All read three CSV files, join a
price to each delivery, work the difference payment out, write a line for each, and sum by party. Golv computes exactly, rounds each
line to the cent and keeps what is cut off, and looks at revisions; the peers compute in binary floating point and round.
Each is a process of its own, so its start counts. In each round all three run one after another.
"""

import argparse
import datetime
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTRACTS = 10_000
INDICES = 20
PARTIES = 500
HEAD = (
    "contract,party,kind,strike,cap,upside_share,upside_threshold,annual_cap,index,start,end,calendar,"
    "reference_minimum,currency"
)


def make(folder: Path, rows: int) -> None:
    """Writes the three files."""
    draw = random.Random(7)
    days = [datetime.date(2016, 1, 1) + datetime.timedelta(day) for day in range(rows // CONTRACTS)]
    with open(folder / "contracts.csv", "w") as file:
        print(HEAD, file=file)
        for contract in range(CONTRACTS):
            strike, index = f"{draw.uniform(80, 120):.2f}", contract % INDICES
            party = contract % PARTIES
            print(f"C{contract:05},party {party},two-way,{strike},,,,,I{index},2016-01-01,,daily,0,EUR", file=file)
    with open(folder / "prices.csv", "w") as file:
        print("index,date,price", file=file)
        for index in range(INDICES):
            for day in days:
                print(f"I{index},{day},{draw.uniform(-10, 160):.4f}", file=file)
    with open(folder / "deliveries.csv", "w") as file:
        print("contract,date,quantity", file=file)
        for contract in range(CONTRACTS):
            for day in days:
                print(f"C{contract:05},{day},{draw.uniform(0, 400):.3f}", file=file)


def polars(folder: Path, out: Path) -> None:
    """The query in Polars."""
    import polars as pl

    contracts = pl.scan_csv(folder / "contracts.csv").select("contract", "party", "strike", "index")
    prices = pl.scan_csv(folder / "prices.csv", try_parse_dates=True)
    deliveries = pl.scan_csv(folder / "deliveries.csv", try_parse_dates=True)
    difference = pl.col("strike") - pl.col("price").clip(0.0)
    lines = (
        deliveries.join(contracts, on="contract")
        .join(prices, on=["index", "date"])
        .with_columns(exact=difference * pl.col("quantity"))
        .with_columns(amount=pl.col("exact").round(2))
        .with_columns(remainder=pl.col("exact") - pl.col("amount"))
        .sort("contract", "date")
        .collect()
    )
    columns = ["contract", "date", "strike", "price", "quantity", "amount", "remainder"]
    lines.select(columns).write_csv(out)
    print(lines.group_by("party").agg(pl.col("amount").sum()).select(pl.col("amount").sum()).item())


def duckdb(folder: Path, out: Path) -> None:
    """The query in DuckDB."""
    import duckdb as db

    db.execute(f"""
        create table lines as
        select contract, date, strike, price, quantity, party,
               round((strike - greatest(price, 0)) * quantity, 2) as amount,
               (strike - greatest(price, 0)) * quantity - round((strike - greatest(price, 0)) * quantity, 2) as remainder
        from read_csv('{folder}/deliveries.csv') as deliveries
        join read_csv('{folder}/contracts.csv') as contracts using (contract)
        join read_csv('{folder}/prices.csv') as prices using ("index", date)
    """)
    db.execute(f"copy (select * exclude (party) from lines order by contract, date) to '{out}' (header)")
    print(db.execute("select sum(amount) from (select sum(amount) as amount from lines group by party)").fetchone()[0])


def golv(binary: str, folder: Path, out: Path) -> list[str]:
    """The command that settles the files."""
    files = [
        f"--{name}={folder / file}"
        for name, file in [
            ("contracts", "contracts.csv"),
            ("reference-prices", "prices.csv"),
            ("deliveries", "deliveries.csv"),
        ]
    ]
    return [binary, "settle", *files, f"--out={out}", "--csv"]


def total(name: str, said: str) -> float:
    """What all parties get, as a program printed it."""
    if name != "golv":
        return float(said)
    return sum(float(line.split(",")[3]) for line in said.splitlines()[1:])


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] in ("polars", "duckdb"):
        {"polars": polars, "duckdb": duckdb}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golv", required=True, help="the binary, built with --release")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make(folder, options.rows)
        times: dict[str, list[float]] = {"golv": [], "polars": [], "duckdb": []}
        for _ in range(options.rounds):
            totals = {}
            for name, taken in times.items():
                out = folder / f"{name}.csv"
                peer = [sys.executable, __file__, name, str(folder), str(out)]
                command = golv(options.golv, folder, out) if name == "golv" else peer
                begin = time.perf_counter()
                said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                taken.append(time.perf_counter() - begin)
                totals[name] = total(name, said)
                with open(out) as file:
                    assert sum(1 for _ in file) == options.rows // CONTRACTS * CONTRACTS + 1
            # Two roundings of a line differ by a cent at most, and by far less on the whole.
            assert max(totals.values()) - min(totals.values()) < options.rows / 1_000, totals
        for name, taken in times.items():
            print(f"| {name} | {options.rows} | {statistics.median(taken):.2f} | {min(taken):.2f} to {max(taken):.2f} |")


main()
