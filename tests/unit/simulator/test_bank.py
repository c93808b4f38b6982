"""A simulation as a whole: the same bytes for the same arguments, no future in the past, and safe repetition."""

import hashlib
import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import InputError
from pipeline.simulator.bank import simulate

CUSTOMERS, MONTHS, SEED = 120, 2, 5


def digests(home: Path) -> dict[str, str]:
    """Return the hash of every landing file by its name."""
    landing = home / "landing"
    return {
        str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("bank")
    simulate(CUSTOMERS, MONTHS, SEED, home, dirty_share=0.002)
    return home


def test_the_same_arguments_give_the_same_bytes(bank: Path, tmp_path: Path) -> None:
    """Guards determinism by seed, sidecars and truth included; another seed gives other files."""
    simulate(CUSTOMERS, MONTHS, SEED, tmp_path, dirty_share=0.002)
    assert digests(tmp_path) == digests(bank)
    for path in (bank / "truth").glob("*.parquet"):
        assert (
            duckdb.sql(f"from '{path}'").fetchall() == duckdb.sql(f"from '{tmp_path / 'truth' / path.name}'").fetchall()
        )
    simulate(CUSTOMERS, 1, SEED + 1, tmp_path / "other")
    other = digests(tmp_path / "other")
    first_customers = "customers/2025-01-01/customers_20250101.csv.gz"
    assert other[first_customers] != digests(bank)[first_customers]


def test_the_number_of_threads_changes_nothing(bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against an order that only holds by chance: one thread drops what the default number drops."""
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *place: connect(*place, config={"threads": 1}))
    simulate(CUSTOMERS, MONTHS, SEED, tmp_path, dirty_share=0.002)
    assert digests(tmp_path) == digests(bank)


def test_a_longer_simulation_begins_like_a_shorter_one(bank: Path, tmp_path: Path) -> None:
    """Guards against leaks from the future: January and February do not know whether March will be simulated."""
    simulate(CUSTOMERS, MONTHS + 1, SEED, tmp_path, dirty_share=0.002)
    longer = digests(tmp_path)
    assert {name: longer[name] for name in digests(bank)} == digests(bank)
    assert any("/2025-03-31/" in name for name in longer)


def test_a_finished_simulation_is_not_repeated(bank: Path) -> None:
    """Guards reuse: the same arguments again write nothing and say so, with the same figures."""
    before = {path: path.stat().st_mtime_ns for path in bank.rglob("*") if path.is_file()}
    summary = simulate(CUSTOMERS, MONTHS, SEED, bank, dirty_share=0.002)
    assert summary.was_there_already
    assert str(summary).startswith("is there already, nothing written: ")
    assert (summary.first_date, summary.last_date) == (date(2025, 1, 1), date(2025, 2, 28))
    assert summary.files == 59 * 11 + 2 * 14
    assert set(summary.rows) == {path.name for path in (bank / "landing").iterdir()}
    assert {path: path.stat().st_mtime_ns for path in bank.rglob("*") if path.is_file()} == before


def test_an_interrupted_simulation_is_completed(bank: Path, tmp_path: Path) -> None:
    """Guards being killed: without the marker, the same arguments end in the same files, leftovers or not."""

    def stop(message: str) -> None:
        raise KeyboardInterrupt(message)

    with pytest.raises(KeyboardInterrupt, match="2025-01"):
        simulate(CUSTOMERS, MONTHS, SEED, tmp_path, dirty_share=0.002, progress=stop)
    assert not (tmp_path / "truth" / "simulation.json").exists()
    with pytest.raises(InputError, match="already holds something else"):
        simulate(CUSTOMERS, MONTHS, SEED + 1, tmp_path)
    summary = simulate(CUSTOMERS, MONTHS, SEED, tmp_path, dirty_share=0.002)
    assert not summary.was_there_already
    assert digests(tmp_path) == digests(bank)


def test_a_purged_landing_zone_is_filled_again(bank: Path, tmp_path: Path) -> None:
    """Guards against a marker that outlives its files: truth alone is no reason to do nothing."""
    simulate(CUSTOMERS, MONTHS, SEED, tmp_path, dirty_share=0.002)
    shutil.rmtree(tmp_path / "landing")
    assert not simulate(CUSTOMERS, MONTHS, SEED, tmp_path, dirty_share=0.002).was_there_already
    assert digests(tmp_path) == digests(bank)


def test_another_simulation_in_the_same_place_is_refused(bank: Path) -> None:
    """Guards against a mixture of two banks: the message names both sets of arguments and what to do."""
    before = digests(bank)
    with pytest.raises(InputError) as caught:
        simulate(CUSTOMERS + 1, MONTHS, SEED, bank, dirty_share=0.002)
    assert '"customers": 121' in caught.value.expected
    assert json.loads(caught.value.found)["customers"] == 120
    assert caught.value.where == str(bank / "landing")
    assert "--out" in caught.value.action
    assert digests(bank) == before


def test_files_of_others_are_not_mixed_with_simulated_ones(tmp_path: Path) -> None:
    """Guards real extracts: a landing zone that no simulation filled is refused."""
    (tmp_path / "landing" / "customers" / "2025-01-01").mkdir(parents=True)
    with pytest.raises(InputError, match="files that no simulation dropped"):
        simulate(CUSTOMERS, MONTHS, SEED, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"customers": 9}, "customers"),
        ({"months": 0}, "months"),
        ({"seed": -1}, "seed"),
        ({"start": date(2025, 1, 2)}, "start"),
        ({"dirty_share": 0.5}, "dirty share"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], name: str, tmp_path: Path) -> None:
    """Guards the ranges: the message names the argument, and nothing is written."""
    given = {"customers": CUSTOMERS, "months": 1, "seed": SEED, "home": tmp_path, **arguments}
    with pytest.raises(InputError) as caught:
        simulate(**given)
    assert caught.value.where == f"argument {name}"
    assert list(tmp_path.iterdir()) == []


def test_the_smallest_bank_lives(tmp_path: Path) -> None:
    """Guards the edges: ten customers, most feeds nearly empty, in the leap month of another year."""
    summary = simulate(10, 1, 1, tmp_path, start=date(2024, 2, 1))
    assert summary.last_date == date(2024, 2, 29)
    assert summary.files == 29 * 11 + 14
