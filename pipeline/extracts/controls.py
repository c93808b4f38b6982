"""Comparing what was read from a file with what its sender says in the sidecar.

Belongs here: row counts and amount totals. Does not belong here: reading sidecars, names and hashes (``landing``).
"""

from decimal import Decimal

from pipeline.errors import InputError
from pipeline.extracts.conversion import SourceFile
from pipeline.extracts.landing import ASK_AGAIN


def check_row_count(file: SourceFile, rows_read: int) -> None:
    """Raise where a file holds more or fewer records than its sidecar says; files without sidecar pass.

    Raises
    ------
    InputError
        With both counts.
    """
    if file.sidecar is not None and file.sidecar.rows != rows_read:
        raise InputError(
            "a file does not hold the number of records its sidecar says",
            expected=f"{file.sidecar.rows:,} records",
            found=f"{rows_read:,} records",
            where=str(file.landing.path),
            action=ASK_AGAIN,
        )


def check_amount(file: SourceFile, amount: Decimal) -> None:
    """Raise where the amounts of a file add up to another total than its sidecar says; files without total pass.

    Raises
    ------
    InputError
        With both totals and their difference.
    """
    if file.sidecar is not None and file.sidecar.amount_total is not None and file.sidecar.amount_total != amount:
        raise InputError(
            "the amounts of a file do not add up to the total of its sidecar",
            expected=f"{file.sidecar.amount_total:,.2f}",
            found=f"{amount:,.2f} (difference {amount - file.sidecar.amount_total:,.2f})",
            where=str(file.landing.path),
            action=ASK_AGAIN,
        )
