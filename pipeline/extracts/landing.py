"""What lies in the landing zone for a feed and a business date: data files and the sidecars beside them.

Belongs here: finding and hashing files, reading and comparing sidecars. Does not belong here: what is inside the data
files (``decoding``, ``records``, ``validation``) and anything that writes: the pipeline only reads the landing zone.
"""

import fnmatch
import hashlib
import os
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pipeline.errors import InputError
from pipeline.extracts.contracts import SIDECAR_EXTENSION, Contract
from pipeline.settings import Settings

ASK_AGAIN = "ask the source system to drop the file and its sidecar again"

_SIDECAR_FIELDS = {
    "file": (r".+", "the name of the data file"),
    "rows": (r"\d{1,18}", "a number of records"),
    "amount_total": (r"-?\d{1,16}(\.\d{1,2})?", "an amount like 1234.50"),
    "sha256": (r"[0-9a-fA-F]{64}", "64 hexadecimal digits"),
    "extracted_at": (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "a UTC time like 2025-01-02T01:00:00Z"),
}


@dataclass(frozen=True)
class LandingFile:
    """A data file of one business date, as it lies in the landing zone."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Sidecar:
    """What the sender says of a file: its records, the total of its amounts, and when it was extracted (UTC)."""

    rows: int
    amount_total: Decimal | None
    extracted_at: datetime


def day_directory(contract: Contract, business_date: date, settings: Settings) -> Path:
    """Return where the files of a feed and business date are dropped."""
    return settings.landing / contract.feed / business_date.isoformat()


def matching_names(contract: Contract, business_date: date, settings: Settings) -> list[str]:
    """List the data files of a feed and business date, by name; empty where nothing was dropped."""
    return fnmatch.filter(
        _names_in(day_directory(contract, business_date, settings)), contract.file_glob(business_date)
    )


def refuse_incomplete_drop(contract: Contract, business_date: date, settings: Settings) -> None:
    """Raise where a sidecar lies without its file.

    Raises
    ------
    InputError
        With the names of the files that are announced but not there.
    """
    directory = day_directory(contract, business_date, settings)
    names = _names_in(directory)
    announced = [name.removesuffix(SIDECAR_EXTENSION) for name in names if name.endswith(SIDECAR_EXTENSION)]
    lacking = sorted(set(fnmatch.filter(announced, contract.file_glob(business_date))) - set(names))
    if lacking and contract.control.sidecar != "none":
        raise InputError(
            f"a file of {contract.feed} is announced but not there",
            expected=f"{', '.join(lacking)} beside its sidecar",
            found=f"only {', '.join(name + SIDECAR_EXTENSION for name in lacking)}",
            where=str(directory),
            action="wait until the drop is complete, or have the file dropped again",
        )


def _names_in(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - Path.iterdir makes a path of each name, six times as slow
    except FileNotFoundError:
        return []


def read_landing_file(path: Path) -> LandingFile:
    """Hash a data file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return LandingFile(path, digest, file.tell())


def missing_files(contract: Contract, business_date: date, settings: Settings) -> InputError:
    """Tell that nothing was dropped for a business date that is not loaded either."""
    directory = day_directory(contract, business_date, settings)
    others = _names_in(directory)
    return InputError(
        f"there is no file of {contract.feed} for {business_date}",
        expected=f"{contract.file_glob(business_date)}, by {contract.expected_by(business_date):%Y-%m-%d %H:%M} UTC",
        found=f"other names: {', '.join(others[:5])}" if others else "nothing",
        where=str(directory),
        action="drop the file (with a header and no rows where nothing happened), or leave out the date",
    )


def checked_sidecar(contract: Contract, file: LandingFile) -> Sidecar | None:
    """Read the sidecar of a file and compare what can be compared without reading the data: name and hash.

    Parameters
    ----------
    contract : Contract
        Says whether a sidecar must, may or need not be there, and whether it gives an amount total.
    file : LandingFile
        The data file.

    Returns
    -------
    Sidecar or None
        None where the contract wants no sidecar, or an optional one is absent.

    Raises
    ------
    InputError
        If the sidecar is missing though required, is malformed, or is about other bytes than those of the file.
    """
    path = file.path.with_name(file.path.name + SIDECAR_EXTENSION)
    if contract.control.sidecar == "none":
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if contract.control.sidecar == "optional":
            return None
        raise InputError(
            f"a file of {contract.feed} has no control sidecar",
            expected=f"{path.name} beside the file, because the contract says sidecar: required",
            found="no such file",
            where=str(file.path),
            action="ask the source system for the sidecar; without it nobody can tell whether the file is complete",
        ) from None
    except UnicodeDecodeError as error:
        raise _malformed(path, 1, "text in UTF-8", f"{error.reason} at byte {error.start}") from None
    values = _sidecar_values(contract, path, text)
    _compare(path, "the name in the sidecar is another file's", file.path.name, values["file"])
    _compare(
        path,
        "the file is not the one the sidecar was written for",
        f"sha256 {values['sha256'].lower()}",
        f"sha256 {file.sha256}",
    )
    return Sidecar(
        rows=int(values["rows"]),
        amount_total=Decimal(values["amount_total"]) if contract.control.amount_column else None,
        extracted_at=_utc_time(path, values["extracted_at"]),
    )


def _sidecar_values(contract: Contract, path: Path, text: str) -> dict[str, str]:
    wanted = [name for name in _SIDECAR_FIELDS if name != "amount_total" or contract.control.amount_column]
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or name not in wanted:
            raise _malformed(path, number, f"key=value with one of the keys {', '.join(wanted)}", repr(line))
        if name in values:
            raise _malformed(path, number, f"{name} once", "a second time")
        pattern, meaning = _SIDECAR_FIELDS[name]
        if not re.fullmatch(pattern, value, flags=re.ASCII):
            raise _malformed(path, number, f"{name}=<{meaning}>", repr(line))
        values[name] = value
    absent = [name for name in wanted if name not in values]
    if absent:
        raise _malformed(path, 1, f"the keys {', '.join(wanted)}", f"no {', '.join(absent)}")
    return values


def _utc_time(path: Path, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise _malformed(path, 1, "extracted_at=<a time that exists>", repr(text)) from None


def _malformed(path: Path, line: int, expected: str, found: str) -> InputError:
    return InputError(
        "a control sidecar cannot be read",
        expected=expected,
        found=found,
        where=f"{path}, line {line}",
        action=ASK_AGAIN,
    )


def _compare(path: Path, what: str, expected: str, found: str) -> None:
    if expected != found:
        raise InputError(what, expected=expected, found=found, where=str(path), action=ASK_AGAIN)
