"""Limits that people edit: what is a number within the range passes, whatever else is refused with what was given."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.frames import require_number, require_share, require_whole_number

NO_NUMBERS = ["x", None, True, float("nan"), float("inf")]


def _is_accepted(check: Callable[..., None], value: object, *limits: float) -> bool:
    try:
        check("limit", value, *limits)
    except InputError as error:
        return (error.where, error.found) != ("limit", repr(value))
    return True


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_refused(value: object) -> None:
    """Text, nothing, a truth value and what is not finite pass no check, and none of them fails on its type."""
    assert not _is_accepted(require_share, value)
    assert not _is_accepted(require_number, value, 0)
    assert not _is_accepted(require_whole_number, value, 0)


def test_ranges() -> None:
    """A share is above 0; a range has both its ends; a whole number is one by its type, NumPy's included."""
    assert [_is_accepted(require_share, value) for value in (0, 1e-9, np.float64(0.5), 1, 1.01)] == [0, 1, 1, 1, 0]
    assert [_is_accepted(require_number, value, -1, 1) for value in (-1.1, -1, np.int64(0), 1, 2)] == [0, 1, 1, 1, 0]
    assert [_is_accepted(require_number, value, 2) for value in (1.9, 2, 1e9)] == [0, 1, 1]
    assert [_is_accepted(require_whole_number, value, 1) for value in (0, 1, np.int32(5), 2.0, 1.5)] == [0, 1, 1, 0, 0]


def test_the_range_is_told() -> None:
    """The reader learns what would do."""
    with pytest.raises(InputError, match="a number from 0 to 1"):
        require_number("limit", 2, 0, 1)
    with pytest.raises(InputError, match="a whole number of 2 or more"):
        require_whole_number("limit", 1, 2)
