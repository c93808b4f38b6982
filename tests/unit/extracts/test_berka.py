"""The Berka importer: every record of the real files reaches a landing file once, as the mapping says, or is counted.

The tests on the real files read source and landing with ``csv``, not with the code under test. It is tempting to let
the importer repair what it finds (pad the cut line, skip an unknown code, date a loan's outcome at its grant): these
tests say that it must not.
"""

import csv
import gzip
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.extracts.adapters.berka import BerkaSummary, import_berka
from pipeline.extracts.contracts import load_contracts
from pipeline.settings import PROJECT_ROOT

REAL_FILES = PROJECT_ROOT.parent / "shared" / "data" / "berka"
CUT_LINE = '3526882;11021;940331;"PRIJE'

EXPECTED_MEANING = {
    ("PRIJEM", "VKLAD", ""): ("deposit", "credit", ""),
    ("PRIJEM", "PREVOD Z UCTU", ""): ("transfer_in", "credit", ""),
    ("PRIJEM", "PREVOD Z UCTU", "DUCHOD"): ("transfer_in", "credit", "pension"),
    ("PRIJEM", "", "UROK"): ("interest", "credit", "interest"),
    ("VYBER", "VYBER", ""): ("withdrawal", "debit", ""),
    ("VYDAJ", "VYBER", ""): ("withdrawal", "debit", ""),
    ("VYDAJ", "VYBER", "SIPO"): ("withdrawal", "debit", "household"),
    ("VYDAJ", "VYBER", "SLUZBY"): ("fee", "debit", "statement_fee"),
    ("VYDAJ", "VYBER", "SANKC. UROK"): ("penalty_interest", "debit", "penalty_interest"),
    ("VYDAJ", "VYBER KARTOU", ""): ("withdrawal", "debit", "atm"),
    ("VYDAJ", "PREVOD NA UCET", ""): ("transfer_out", "debit", ""),
    ("VYDAJ", "PREVOD NA UCET", "POJISTNE"): ("transfer_out", "debit", "insurance"),
    ("VYDAJ", "PREVOD NA UCET", "SIPO"): ("transfer_out", "debit", "household"),
    ("VYDAJ", "PREVOD NA UCET", "UVER"): ("transfer_out", "debit", "loan_instalment"),
}


def _landed(home: Path, feed: str) -> list[dict[str, str]]:
    """Rows of all files of a feed, in order of date, with the file's date as ``_date``."""
    contract = load_contracts()[feed]
    rows = []
    for folder in sorted((home / "landing" / feed).iterdir()):
        (path,) = (path for path in folder.iterdir() if path.suffix != ".ctl")
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode(contract.file.encoding)
        lines = [line for line in text.splitlines() if line != CUT_LINE]
        rows += [row | {"_date": folder.name} for row in csv.DictReader(lines, delimiter=contract.file.delimiter)]
    return rows


def _iso(yymmdd: str) -> str:
    return f"19{yymmdd[:2]}-{yymmdd[2:4]}-{yymmdd[4:]}"


@pytest.fixture(scope="module")
def real_import(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BerkaSummary]:
    if not REAL_FILES.is_dir():
        pytest.skip(f"the PKDD'99 files are not at {REAL_FILES}")
    home = tmp_path_factory.mktemp("berka")
    return home, import_berka(REAL_FILES, home)


@pytest.fixture(scope="module")
def real_transactions() -> list[dict[str, str]]:
    if not REAL_FILES.is_dir():
        pytest.skip(f"the PKDD'99 files are not at {REAL_FILES}")
    lines = (REAL_FILES / "trans.asc").read_text(encoding="ascii").splitlines()
    assert lines[-1] == CUT_LINE
    return list(csv.DictReader(lines[:-1], delimiter=";"))


def test_every_real_transaction_lands_once_as_the_mapping_says(
    real_import: tuple[Path, BerkaSummary], real_transactions: list[dict[str, str]]
) -> None:
    """No transaction is lost, doubled, changed or coded otherwise than the documented table says."""
    home, _ = real_import
    expected = {}
    for row in real_transactions:
        meaning = EXPECTED_MEANING[row["type"], row["operation"], row["k_symbol"].strip()]
        other_side = ("", "") if row["account"] in ("", "0") else (row["bank"], row["account"])
        day = _iso(row["date"])
        expected[row["trans_id"]] = (row["account_id"], day, day, row["amount"], row["balance"], *meaning, *other_side)
    found = {}
    for row in _landed(home, "counter_transactions"):
        found[row["transaction_id"]] = (
            *(row[name] for name in ("account_id", "transaction_date", "_date", "amount", "balance_after")),
            *(row[name] for name in ("transaction_type", "direction", "purpose_code")),
            *(row[name] for name in ("counterparty_bank_code", "counterparty_account_id")),
        )
    at_counter = len(found)
    for row in _landed(home, "atm_transactions"):
        found[row["transaction_id"]] = (
            *(row[name] for name in ("account_id", "transaction_date", "_date", "amount", "balance_after")),
            *(row["transaction_type"], row["direction"], "atm", "", ""),
        )
    assert found == expected
    assert at_counter == 49_102 - 12
    assert set(EXPECTED_MEANING.values()) == {row[5:8] for row in found.values()}


def test_real_totals_and_cut_line(real_import: tuple[Path, BerkaSummary]) -> None:
    """Rows and money are those of the data set; the cut line is in the last counter file, word for word and last."""
    home, summary = real_import
    rows = _landed(home, "counter_transactions") + _landed(home, "atm_transactions")
    assert len(rows) == 49_102
    assert sum(Decimal(row["amount"]) for row in rows) == summary.transaction_amount == Decimal("315486449.80")
    last = home / "landing/counter_transactions/1994-03-31/counter_transactions_19940331.csv.gz"
    assert gzip.decompress(last.read_bytes()).decode().splitlines()[-1] == CUT_LINE
    control = dict(line.split("=") for line in last.with_name(last.name + ".ctl").read_text().splitlines())
    assert int(control["rows"]) == 1 + sum(
        row["_date"] == "1994-03-31" for row in _landed(home, "counter_transactions")
    )
    assert summary.cut_line is not None
    assert (summary.cut_line.line_number, summary.cut_line.text) == (49_104, CUT_LINE)


def test_real_records_are_dropped_or_counted(real_import: tuple[Path, BerkaSummary]) -> None:
    """Read = dropped + left out, for every file, with the counts known of the data set."""
    _, summary = real_import
    counts = {count.file: (count.records_read, count.dropped) for count in summary.files}
    assert counts == {
        "account.asc": (4_500, 1_229),
        "card.asc": (892, 6),
        "client.asc": (5_369, 1_489),
        "disp.asc": (5_369, 1_489),
        "district.asc": (77, 0),
        "loan.asc": (682, 38),
        "order.asc": (6_471, 0),
        "trans.asc": (49_103, 49_103),
    }
    for count in summary.files:
        assert count.records_read == count.dropped + sum(count.left_out.values())
    assert summary.unattributed_loan_payments == 0


def test_real_calendar(real_import: tuple[Path, BerkaSummary]) -> None:
    """Every daily feed has a file for each of the 455 days, every monthly feed one in each of the 15 months."""
    home, summary = real_import
    assert (summary.first_date, summary.last_date) == (date(1993, 1, 1), date(1994, 3, 31))
    for feed, contract in load_contracts().items():
        folders = sorted(folder.name for folder in (home / "landing" / feed).iterdir())
        assert len(folders) == (455 if contract.is_daily else 15), feed
        assert all(len(list((home / "landing" / feed / folder).iterdir())) == 2 for folder in folders), feed
    assert sorted(path.name for path in (home / "landing" / "branches").iterdir())[1] == "1993-02-01"
    assert sorted(path.name for path in (home / "landing" / "surveys").iterdir())[1] == "1993-02-28"


def test_real_parties_and_loans(
    real_import: tuple[Path, BerkaSummary], real_transactions: list[dict[str, str]]
) -> None:
    """Owners, disponents, genders and loan payments are those of the files; no loan shows its outcome early."""
    home, _ = real_import
    dispositions = list(
        csv.DictReader((REAL_FILES / "disp.asc").read_text(encoding="ascii").splitlines(), delimiter=";")
    )
    party = {(row["account_id"], row["type"]): row["client_id"] for row in dispositions}
    for row in _landed(home, "accounts"):
        assert row["customer_id"] == party[row["account_id"], "OWNER"]
        assert row["joint_customer_id"] == party.get((row["account_id"], "DISPONENT"), "")
    births = {row["customer_id"]: row for row in _landed(home, "customers")}
    for row in csv.DictReader((REAL_FILES / "client.asc").read_text(encoding="ascii").splitlines(), delimiter=";"):
        if row["client_id"] in births:
            number = row["birth_number"]
            woman = int(number[2:4]) > 50
            month = int(number[2:4]) - (50 if woman else 0)
            landed = births[row["client_id"]]
            assert landed["gender"] == ("female" if woman else "male")
            assert landed["birth_date"] == f"19{number[:2]}-{month:02d}-{number[4:]}"
    assert {row["status_code"] for row in _landed(home, "loans")} == {"running"}
    payments = Counter((row["event_date"], row["amount"]) for row in _landed(home, "loan_repayments"))
    source = [row for row in real_transactions if row["k_symbol"] == "UVER"]
    assert payments == Counter((_iso(row["date"]), row["amount"]) for row in source)


def test_real_import_again_is_the_same(
    real_import: tuple[Path, BerkaSummary], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A second import writes the same bytes, so the pipeline sees nothing to restate."""
    home, summary = real_import
    again = tmp_path_factory.mktemp("again")
    assert import_berka(REAL_FILES, again) == summary
    files = {path.relative_to(home): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}


TINY = {
    "account.asc": '"account_id";"district_id";"frequency";"date"\n1;18;"POPLATEK MESICNE";981201\n',
    "card.asc": '"card_id";"disp_id";"type";"issued"\n5;1;"gold";981230 00:00:00\n6;1;"gold";990101 00:00:00\n',
    "client.asc": '"client_id";"birth_number";"district_id"\n1;"706213";18\n2;"450204";1\n',
    "disp.asc": '"disp_id";"client_id";"account_id";"type"\n1;1;1;"OWNER"\n2;2;1;"DISPONENT"\n',
    "district.asc": ";".join(f"A{n}" for n in range(1, 17)) + '\n1;"Praha"' + ";?" * 14 + "\n",
    "loan.asc": '"loan_id";"account_id";"date";"amount";"duration";"payments";"status"\n'
    '7;1;981210;96396;12;8033.00;"D"\n',
    "order.asc": '"order_id";"account_id";"bank_to";"account_to";"amount";"k_symbol"\n'
    '9;1;"YZ";"87144583";2452.00;" "\n',
    "trans.asc": '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"\r\n'
    '1;1;981201;"PRIJEM";"VKLAD";700.00;700.00;"";;\r\n'
    '2;1;981209;"VYDAJ";"PREVOD NA UCET";8033.20;-7333.20;"UVER";"ST";"123"\r\n'
    '3;1;981212;"VYDAJ";"PREVOD NA UCET";8033.20;-15366.40;"UVER";"ST";"123"\r\n'
    '4;1;981231;"VYDAJ";"VYBER KARTOU";100.00;-15466.40;" ";"";"0"\r\n',
}


def _write(folder: Path, **changed: str | None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in (TINY | {f"{stem}.asc": text for stem, text in changed.items()}).items():
        if text is not None:
            (folder / name).write_bytes(text.encode())
    return folder


def test_outcome_of_a_loan_comes_on_the_last_date_of_the_complete_set(tmp_path: Path) -> None:
    """The status at the end of 1998 is a change of that day; the grant shows `running`; no payment precedes it."""
    summary = import_berka(_write(tmp_path / "source"), tmp_path / "home")
    loans = [(row["_date"], row["status_code"]) for row in _landed(tmp_path / "home", "loans")]
    assert loans == [("1998-12-10", "running"), ("1998-12-31", "running_in_debt")]
    assert [row["repayment_id"] for row in _landed(tmp_path / "home", "loan_repayments")] == ["3"]
    assert summary.unattributed_loan_payments == 1
    assert summary.cut_line is None
    assert {count.file: dict(count.left_out) for count in summary.files if count.left_out} == {
        "card.asc": {"dated after the last transaction": 1},
        "district.asc": {"no feed holds such records": 1},
        "order.asc": {"no feed holds such records": 1},
    }


def test_outcome_of_a_loan_is_never_dropped_earlier(tmp_path: Path) -> None:
    """Transactions that end a day short of 1998-12-31 bring no outcome: it would come from the future."""
    short = TINY["trans.asc"].replace("981231", "981230")
    import_berka(_write(tmp_path / "source", trans=short), tmp_path / "home")
    assert [row["status_code"] for row in _landed(tmp_path / "home", "loans")] == ["running"]


def test_last_line_without_a_line_break_is_a_record_if_whole(tmp_path: Path) -> None:
    """A missing line break at the end alone is no damage: the last record must not be thrown away."""
    whole = TINY["trans.asc"].removesuffix("\r\n")
    summary = import_berka(_write(tmp_path / "source", trans=whole), tmp_path / "home")
    assert summary.cut_line is None
    assert summary.rows_dropped["atm_transactions"] == 1


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"trans": None}, ["files of the data set are missing", "no trans.asc"]),
        (
            {"trans": TINY["trans.asc"].replace("VYBER KARTOU", "VYBER SEKEM")},
            ["codes that the mapping does not know", "'VYDAJ' / 'VYBER SEKEM' / '' in 1 records", "trans.asc:5"],
        ),
        (
            {"trans": TINY["trans.asc"].replace('"PRIJEM"', '"VYDAJ"')},
            ["codes that the mapping does not know", "'VYDAJ' / 'VKLAD' / ''", "trans.asc:2"],
        ),
        ({"loan": TINY["loan.asc"].replace('"D"', '"E"')}, ["loan.asc has codes", "'E' in 1 records", "loan.asc:2"]),
        (
            {"account": TINY["account.asc"].replace('"frequency"', '"period"')},
            ["account.asc has another header", "account_id;district_id;frequency;date", "account.asc:1"],
        ),
        (
            {"trans": TINY["trans.asc"].replace("700.00;700.00", "700,00;700.00")},
            ["trans.asc has lines that cannot be read", "700,00", "trans.asc:2"],
        ),
        (
            {"trans": TINY["trans.asc"].replace("981209", "981309")},
            ["trans.asc has lines that cannot be read", "981309", "trans.asc:3"],
        ),
        (
            {"loan": TINY["loan.asc"].removesuffix(';8033.00;"D"\n')},
            ["loan.asc has lines that cannot be read", "7;1;981210;96396;12", "loan.asc:2"],
        ),
        (
            {"client": TINY["client.asc"] + '1;"706213";18\n'},
            ["client.asc has a key more than once", "client_id 1 in lines 2, 4"],
        ),
        (
            {"disp": TINY["disp.asc"].replace("DISPONENT", "OWNER")},
            ["the files do not fit together", "accounts with one owner", "1 that break this: 1"],
        ),
        (
            {"client": TINY["client.asc"].replace("706213", "701313")},
            ["the files do not fit together", "a date of birth in birth_number"],
        ),
        (
            {"trans": TINY["trans.asc"].replace("4;1;98", "4;2;98")},
            ["the files do not fit together", "trans.asc: an account that exists", "1 that break this: 4"],
        ),
        ({"trans": TINY["trans.asc"].split("\r\n")[0] + "\r\n"}, ["there are no transactions"]),
        ({"client": TINY["client.asc"].replace("706213", "7062č3")}, ["client.asc is not the file", "byte 49"]),
    ],
)
def test_bad_source_is_refused(tmp_path: Path, changed: dict[str, str | None], parts: list[str]) -> None:
    """A source that is not as published is refused with a message that names file and line, and nothing is dropped."""
    with pytest.raises(InputError) as error:
        import_berka(_write(tmp_path / "source", **changed), tmp_path / "home")
    for part in parts:
        assert part in str(error.value)
    assert not (tmp_path / "home").exists()


def test_landing_zone_of_another_bank_is_refused(tmp_path: Path) -> None:
    """Two banks in one landing zone would become one warehouse."""
    foreign = tmp_path / "home" / "landing" / "accounts" / "2025-01-01"
    foreign.mkdir(parents=True)
    with pytest.raises(InputError, match="another bank"):
        import_berka(_write(tmp_path / "source"), tmp_path / "home")
    assert [path.name for path in (tmp_path / "home" / "landing").iterdir()] == ["accounts"]
