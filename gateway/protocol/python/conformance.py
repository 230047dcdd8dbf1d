#!/usr/bin/env python3
"""Reads every example of docs/protocol.md with a codec that was written from that page, and writes it again: the same bytes.

    python3 gateway/protocol/python/conformance.py

Needs nothing but Python 3.9. The examples themselves are compared with the exchange's own codec by `cargo test -p golv-protocol`.
"""

import pathlib
import re
import sys

import golv

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "protocol.md"


def examples(page):
    """Each example's name, its bytes, and whether it is the exchange that says it."""
    downward = page.index("\n## From exchange to client\n")
    for found in re.finditer(r"^\*\*(.+?)\*\*\n\n```text\n(.*?)```", page, re.M | re.S):
        name, block = found.groups()
        yield name, bytes.fromhex("".join(block.split())), found.start() > downward


def table(page, heading):
    """The rows of the first table after a heading."""
    _, _, rest = page.partition(f"\n{heading}\n")
    rows = []
    for line in rest.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def refusals(page):
    """The table of refusals: their names and fields."""
    known = []
    for variant, _, name, its in table(page, "### Refusals"):
        assert int(variant) == len(known), f"variant {variant} is out of its order"
        parts = [] if its == "–" else [part.split(" : ") for part in its.split("; ")]
        known.append((name.strip("`"), parts))
    return known


def compare_names(kind, page, heading):
    """The page's names of some variants, in their order, are the codec's."""
    documented = [row[1].strip("`") for row in table(page, heading)]
    assert documented == [name for name, _ in kind.table], f"{heading}: {documented}"


def main():
    page = PAGE.read_text(encoding="utf-8")
    refused = golv.variants_of(golv.refusals(refusals(page)))
    up, down = golv.to_exchange(), golv.to_client(refused)
    for kind, heading in [
        (up, "## From client to exchange"),
        (golv.command, "### Commands"),
        (golv.action, "### Actions"),
        (down, "## From exchange to client"),
        (golv.event, "### Events"),
        (golv.closing, "### Why a session ends"),
    ]:
        compare_names(kind, page, heading)
    checked = 0
    for name, data, is_exchanges in examples(page):
        kind = down if is_exchanges else up
        message = golv.unframe(kind, data)
        written = golv.frame(kind, message)
        assert written == data, f"{name}: {written.hex()} instead of {data.hex()}"
        # Cut short it is refused, wherever it is cut.
        for cut in range(len(data)):
            try:
                golv.unframe(kind, data[:cut])
            except ValueError:
                continue
            raise AssertionError(f"{name}: the first {cut} bytes are read as a message")
        if "--show" in sys.argv:
            print(f"{name}: {message}")
        checked += 1
    assert checked > 100, f"only {checked} examples were found"
    print(f"{checked} examples read and written again, byte for byte")


if __name__ == "__main__":
    main()
