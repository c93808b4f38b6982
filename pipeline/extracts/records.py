"""Where the records of a delimited text lie: byte ranges and line numbers, found with NumPy over the whole text.

Belongs here: lines, quotes and the number of fields. Does not belong here: what the fields mean (``validation``).
DuckDB reads the values; this is only asked where a row stands in its file, and which records have the wrong number of
fields, once a file has been found to hold bad rows. The grammar is RFC 4180 as DuckDB reads it: a quote opens a quoted
text only at the start of a field (after spaces, perhaps), is doubled within one, and is a plain character elsewhere.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.extracts.landing import ASK_AGAIN

_WINDOW_BYTES = 16 << 20
# DuckDB's own limit for one line; a quoted text that is never closed runs into it
LONGEST_RECORD_BYTES = 2_000_000

_LINE_FEED, _CARRIAGE_RETURN, _QUOTE, _SPACE = b'\n\r" '
_NOTHING_BUT_EMPTY_FIELDS = re.compile(rb'((?:"")?,)*(?:"")?')
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Records:
    """The records of one text, header and blank lines left out, in the order of the file.

    Attributes
    ----------
    start, end : ndarray of int64, shape (n_records,)
        Byte range of each record, its line end left out.
    line : ndarray of int64, shape (n_records,)
        Line in which each record begins; the first line of a file is 1.
    fields : ndarray of int64, shape (n_records,)
        Number of fields; 0 where a carriage return stands inside a line, outside quotes.
    has_one_line_end : bool
        Whether all lines end alike (LF or CRLF), which DuckDB demands.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    line: NDArray[np.int64]
    fields: NDArray[np.int64]
    has_one_line_end: bool

    def __len__(self) -> int:
        return len(self.start)


def cut_records(path: Path, name: str, delimiter: str, column_count: int, has_header: bool) -> Records:
    """Cut a plain UTF-8 text into records.

    Parameters
    ----------
    path : Path
        The text, not compressed.
    name : str
        The file's name in messages.
    delimiter : str
        One ASCII character.
    column_count : int
        Fields that a record should have. A text of one column has no blank lines: an empty line is an empty value.
    has_header : bool
        Whether the first record is a header, to be left out.

    Returns
    -------
    Records

    Raises
    ------
    InputError
        If a quoted text is not closed, or goes on after its closing quote: from there on nobody can tell fields and
        records apart.
    """
    if path.stat().st_size == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Records(nothing, nothing, nothing, nothing, True)
    text = np.memmap(path, dtype=np.uint8, mode="r")
    position = len(_BYTE_ORDER_MARK) if text[:3].tobytes() == _BYTE_ORDER_MARK else 0
    line = 1
    parts: list[tuple[NDArray[np.int64], ...]] = []
    line_ends: set[bool] = set()
    while position < len(text):
        window = text[position : position + _WINDOW_BYTES]
        is_last = position + len(window) == len(text)
        cut = _cut_window(window, ord(delimiter), column_count, is_last)
        if isinstance(cut, _BrokenQuote):
            raise _broken_quote(name, line + int(np.count_nonzero(window[: cut.position] == _LINE_FEED)), cut)
        if not len(cut.end):
            raise _broken_quote(
                name, line, _BrokenQuote(0, f"no end of the record within {LONGEST_RECORD_BYTES:,} bytes")
            )
        parts.append((cut.start + position, cut.end + position, cut.line + line, cut.fields))
        line_ends |= cut.line_ends
        line += cut.lines
        position += cut.length
    start, end, lines, fields = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    kept = np.ones(len(start), dtype=bool)
    if column_count > 1:
        kept = end > start
    if has_header:
        kept[: 1 + np.argmax(kept)] = False
    return Records(start[kept], end[kept], lines[kept], fields[kept], len(line_ends) <= 1)


@dataclass(frozen=True)
class _BrokenQuote:
    position: int
    found: str


@dataclass(frozen=True)
class _Cut:
    """The whole records of one window, with positions from its begin; ``length`` bytes and ``lines`` lines are done."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    line: NDArray[np.int64]
    fields: NDArray[np.int64]
    line_ends: set[bool]
    length: int
    lines: int


def _cut_window(window: NDArray[np.uint8], delimiter: int, column_count: int, is_last: bool) -> _Cut | _BrokenQuote:
    line_feeds = np.flatnonzero(window == _LINE_FEED)
    delimiters = np.flatnonzero(window == delimiter)
    returns = np.flatnonzero(window == _CARRIAGE_RETURN)
    quotes = _enclosing_quotes(window, delimiter, is_last)
    if isinstance(quotes, _BrokenQuote):
        return quotes

    ends = line_feeds[_outside(line_feeds, quotes)]
    length = int(ends[-1]) + 1 if len(ends) else 0
    if is_last and length < len(window):
        ends = np.append(ends, len(window))
        length = len(window)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    if not is_last and len(window) - length > LONGEST_RECORD_BYTES:
        # nothing that long is a record; told from here, where it begins, not from the end of the file
        return _BrokenQuote(length, f"no end of the record within {LONGEST_RECORD_BYTES:,} bytes")

    delimiters = delimiters[_outside(delimiters, quotes)]
    has_return = (ends > starts) & (window[ends - 1] == _CARRIAGE_RETURN)
    is_line_end = ends < len(window)
    fields = _count_fields(window, starts, ends - has_return, delimiters, column_count)
    inner_returns = returns[_outside(returns, quotes)]
    inner_returns = np.setdiff1d(inner_returns, ends[has_return] - 1, assume_unique=True)
    broken = np.searchsorted(ends, inner_returns[inner_returns < length])
    fields[broken] = 0
    return _Cut(
        start=starts,
        end=ends - has_return,
        line=np.searchsorted(line_feeds, starts),
        fields=fields,
        line_ends=set(np.unique(has_return[is_line_end]).tolist()),
        length=length,
        lines=int(np.searchsorted(line_feeds, length)),
    )


def _count_fields(
    window: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    delimiters: NDArray[np.int64],
    column_count: int,
) -> NDArray[np.int64]:
    """Count the fields of each record; beyond the columns, empty ones at the end of a record are not counted.

    DuckDB does not count them either, and they hold nothing that could be lost.
    """
    first = np.searchsorted(delimiters, starts)
    fields = np.searchsorted(delimiters, ends) - first + 1
    for index in np.flatnonzero(fields > column_count):
        surplus = window[delimiters[first[index] + column_count - 1] + 1 : ends[index]].tobytes()
        if _NOTHING_BUT_EMPTY_FIELDS.fullmatch(surplus.replace(bytes([window[delimiters[0]]]), b",")):
            fields[index] = column_count
    return fields


def _outside(positions: NDArray[np.int64], quotes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which positions have an even number of enclosing quotes before them."""
    return np.searchsorted(quotes, positions) % 2 == 0


def _enclosing_quotes(window: NDArray[np.uint8], delimiter: int, is_last: bool) -> NDArray[np.int64] | _BrokenQuote:
    """Find the quotes that open and close quoted texts, in turn; a doubled quote counts as a close and an open."""
    quotes = np.flatnonzero(window == _QUOTE)
    if not len(quotes):
        return quotes
    opens = _at_field_start(window, quotes, delimiter)
    # A quote right after another one goes on with the quoted text if that one closed it.
    opens |= np.concatenate(([False], np.diff(quotes) == 1))
    if not opens[::2].all():
        quotes = quotes[_are_enclosing(quotes, opens)]
    closing = quotes[1::2]
    followed_well = _at_field_end(window, closing, delimiter)
    followed_well[: len(quotes[2::2])] |= quotes[2::2] == closing[: len(quotes[2::2])] + 1
    if not is_last and len(closing) and closing[-1] == len(window) - 1:
        followed_well[-1] = True
    if not followed_well.all():
        return _BrokenQuote(int(closing[np.argmin(followed_well)]), "text after a closing quote")
    if is_last and len(quotes) % 2:
        return _BrokenQuote(int(quotes[-1]), "a quoted text that is never closed")
    return quotes


def _are_enclosing(quotes: NDArray[np.int64], opens: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Walk over the quotes of a window that has plain ones among them, which shifts every pair behind."""
    enclosing = np.zeros(len(quotes), dtype=bool)
    positions, can_open = quotes.tolist(), opens.tolist()
    is_inside = False
    closed_at = -1
    for index, position in enumerate(positions):
        if is_inside:
            enclosing[index] = True
            is_inside = False
            closed_at = position
        elif can_open[index] and (position == closed_at + 1 or not _follows_a_quote(positions, index)):
            enclosing[index] = True
            is_inside = True
    return enclosing


def _follows_a_quote(positions: list[int], index: int) -> bool:
    return index > 0 and positions[index - 1] == positions[index] - 1


def _at_field_start(window: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: int) -> NDArray[np.bool_]:
    before = _beyond_spaces(window, quotes, -1)
    previous = window[np.maximum(before, 0)]
    return (before < 0) | (previous == delimiter) | (previous == _LINE_FEED)


def _at_field_end(window: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: int) -> NDArray[np.bool_]:
    after = _beyond_spaces(window, quotes, +1)
    following = window[np.minimum(after, len(window) - 1)]
    return (
        (after >= len(window)) | (following == delimiter) | (following == _LINE_FEED) | (following == _CARRIAGE_RETURN)
    )


def _beyond_spaces(window: NDArray[np.uint8], positions: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Go from each position to the next byte in a direction that is no space."""
    found = positions + step
    while True:
        within = (found >= 0) & (found < len(window))
        on_space = within & (window[np.clip(found, 0, len(window) - 1)] == _SPACE)
        if not on_space.any():
            return found
        found = found + step * on_space


def _broken_quote(name: str, line: int, broken: _BrokenQuote) -> InputError:
    return InputError(
        "quotes do not pair up",
        expected='quoted texts that are closed before the next delimiter or line end, with "" for a quote inside',
        found=broken.found,
        where=f"{name}, line {line}",
        action=ASK_AGAIN,
    )
