"""Planted damage is where the truth says, is what it says, and stays within what contracts tolerate."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import zstandard

from pipeline.extracts.contracts import load_contracts
from pipeline.simulator.bank import simulate

CONTRACTS = load_contracts()
DIRTY_SHARE = 0.004


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same bank, clean and dirty."""
    places = {"clean": tmp_path_factory.mktemp("clean"), "dirty": tmp_path_factory.mktemp("dirty")}
    simulate(4_000, 1, 3, places["clean"])
    simulate(4_000, 1, 3, places["dirty"], dirty_share=DIRTY_SHARE)
    return places


def lines(path: Path, feed: str) -> list[str]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data.decode(CONTRACTS[feed].file.encoding).splitlines()


def pairs(homes: dict[str, Path]) -> Iterator[tuple[str, Path, Path]]:
    """Yield the feed, the clean and the dirty file."""
    for clean in sorted((homes["clean"] / "landing").glob("*/*/*")):
        if clean.suffix != ".ctl":
            yield clean.parts[-3], clean, homes["dirty"] / clean.relative_to(homes["clean"])


def planted(homes: dict[str, Path]) -> dict[tuple[str, str, int], tuple[str, str]]:
    table = homes["dirty"] / "truth" / "dirty_rows.parquet"
    rows = duckdb.sql(f"select feed, file, line, kind, \"column\" from '{table}'").fetchall()
    return {(feed, file, line): (kind, column) for feed, file, line, kind, column in rows}


def test_exactly_the_recorded_lines_differ(homes: dict[str, Path]) -> None:
    """Guards the truth table: compared with the clean bank, the recorded lines differ and no other does."""
    differing = set()
    for feed, clean, dirty in pairs(homes):
        for number, (one, other) in enumerate(zip(lines(clean, feed), lines(dirty, feed), strict=True), start=1):
            if one != other:
                differing.add((feed, dirty.name, number))
    assert differing == set(planted(homes))
    assert len(differing) > 50


def test_only_the_named_column_is_damaged(homes: dict[str, Path]) -> None:
    """Guards kind and column: one field differs, or one is too many; every kind occurs."""
    expected, kinds = planted(homes), set()
    for feed, clean, dirty in pairs(homes):
        delimiter, names = CONTRACTS[feed].file.delimiter, CONTRACTS[feed].column_names
        dirty_lines, clean_lines = lines(dirty, feed), lines(clean, feed)
        for (of_feed, file, number), (kind, column) in expected.items():
            if (of_feed, file) != (feed, dirty.name):
                continue
            one, other = (text[number - 1].split(delimiter) for text in (clean_lines, dirty_lines))
            kinds.add(kind)
            if kind == "extra_column":
                assert other[:-1] == one
            else:
                assert [name for name, a, b in zip(names, one, other, strict=True) if a != b] == [column]
    assert kinds == {"bad_amount", "bad_number", "unknown_code", "wrong_date", "missing_field", "extra_column"}


def test_sidecars_stay_right_and_shares_tolerated(homes: dict[str, Path]) -> None:
    """Guards the control figures of dirty files: all records counted, only unreadable amounts left out of the total."""
    expected = planted(homes)
    for feed, clean, dirty in pairs(homes):
        damaged = {number: kind for (_, file, number), (kind, _) in expected.items() if file == dirty.name}
        told = {}
        for place, path in (("clean", clean), ("dirty", dirty)):
            sidecar = path.with_name(path.name + ".ctl").read_text(encoding="utf-8")
            told[place] = dict(line.split("=", 1) for line in sidecar.splitlines())
        rows = int(told["clean"]["rows"])
        assert int(told["dirty"]["rows"]) == rows
        assert len(damaged) <= rows * CONTRACTS[feed].tolerated_reject_share
        amount_column = CONTRACTS[feed].control.amount_column
        if amount_column:
            at = CONTRACTS[feed].column_names.index(amount_column)
            fields = [line.split(CONTRACTS[feed].file.delimiter) for line in lines(clean, feed)]
            unreadable = sum(cents(fields[n - 1][at]) for n, kind in damaged.items() if kind == "bad_amount")
            assert cents(told["clean"]["amount_total"]) - cents(told["dirty"]["amount_total"]) == unreadable


def cents(amount: str) -> int:
    return int(amount.replace(".", ""))
