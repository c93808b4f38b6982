"""Guards where records are found in a text: lines, byte ranges, fields; with quotes, blank lines and any line end."""

import csv
import io
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.extracts import records as records_module
from pipeline.extracts.records import Records, cut_records


def cut(path: Path, text: str | bytes, columns: int = 3, has_header: bool = False) -> Records:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return cut_records(path, "a.csv", ",", columns, has_header)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def test_lines_count_blank_lines_and_line_ends_in_quotes(path: Path) -> None:
    """The line is the physical one, as an editor shows it; the header and blank lines are no records."""
    found = cut(path, 'a,b,c\n\n1,"x\ny",3\n4,5,6\n\n7,8,9', has_header=True)
    assert found.line.tolist() == [3, 5, 7]
    text = path.read_bytes()
    raw = [text[start:end] for start, end in zip(found.start, found.end, strict=True)]
    assert raw == [b'1,"x\ny",3', b"4,5,6", b"7,8,9"]
    assert found.fields.tolist() == [3, 3, 3]


def test_carriage_returns_belong_to_line_ends(path: Path) -> None:
    """With CRLF the raw text of a record has no CR at its end, and blank lines are blank."""
    found = cut(path, "1,2,3\r\n\r\n4,5\r\n")
    assert found.line.tolist() == [1, 3]
    assert found.fields.tolist() == [3, 2]
    assert (found.end - found.start).tolist() == [5, 3]
    assert found.has_one_line_end


def test_mixed_line_ends_are_noticed(path: Path) -> None:
    """DuckDB refuses LF and CRLF in one file, so the caller must know."""
    assert not cut(path, "1,2,3\r\n4,5,6\n").has_one_line_end
    assert cut(path, '1,"a\nb",3\r\n4,5,6\r\n').has_one_line_end


def test_a_lone_carriage_return_breaks_its_record_only(path: Path) -> None:
    """A CR inside a line is not a line end; the record is marked, the next one is not."""
    assert cut(path, "1,2\r2,3\n4,5,6\n").fields.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("1,2,3,\n", [3]),
        ('1,2,3,"",,\n', [3]),
        ("1,2,3, ,\n", [5]),
        ("1,2,3,,4\n", [5]),
        ('1,"a,b""c,",3\n', [3]),
        ('1,a"b,3\n', [3]),
        ('1,a"b,c"d\n', [3]),
        ("1\n", [1]),
        ("  \n", [1]),
        ("", []),
        ("\ufeff1,2,3\n", [3]),
    ],
)
def test_fields_are_counted_as_duckdb_counts_them(path: Path, text: str, fields: list[int]) -> None:
    """Quotes hide delimiters only where they open at the start of a field; empty surplus at the end does not count."""
    assert cut(path, text).fields.tolist() == fields


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ('1,2,3\n4,"5,6\n7,8,9\n', 2, "never closed"),
        ('1,2,3\n\n4,"5"5,6\n', 3, "text after a closing quote"),
        ('1,"a\nb"c,3\n', 2, "text after a closing quote"),
    ],
)
def test_quotes_that_do_not_pair_up_are_refused(path: Path, text: str, line: int, found: str) -> None:
    """Behind such a quote nobody knows what is a record; the message names the line."""
    with pytest.raises(InputError) as refused:
        cut(path, text)
    assert refused.value.where == f"a.csv, line {line}"
    assert found in refused.value.found


@pytest.mark.parametrize("window", [64, 7_000])
def test_windows_do_not_show(path: Path, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    """A text that is cut window by window gives the same records as in one piece, at whatever byte a window ends."""
    text = "".join(f'{number},"a ""{number}""\nb",{"x" * (number % 17)}\n' for number in range(500))
    whole = cut(path, text)
    monkeypatch.setattr(records_module, "_WINDOW_BYTES", window)
    pieces = cut(path, text)
    for name in ("start", "end", "line", "fields"):
        assert getattr(pieces, name).tolist() == getattr(whole, name).tolist()
    assert whole.line.tolist() == list(range(1, 1001, 2))


def test_a_quote_that_is_never_closed_is_found_where_it_opens(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan gives up after the longest record that is possible, instead of taking in the rest of a huge file."""
    monkeypatch.setattr(records_module, "_WINDOW_BYTES", 4_000)
    monkeypatch.setattr(records_module, "LONGEST_RECORD_BYTES", 1_000)
    with pytest.raises(InputError, match="line 3"):
        cut(path, '1,2,3\n4,5,6\n7,"8,9\n' + "1,2,3\n" * 2_000)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(st.text('ab," \né', max_size=4), min_size=3, max_size=3), max_size=8),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_that_python_writes_is_cut_into_its_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], line_end: str
) -> None:
    """Another writer's quoting is understood: as many records as rows, each with all its fields, at its line."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    found = cut(tmp_path_factory.mktemp("t") / "a.csv", buffer.getvalue())
    assert found.fields.tolist() == [3] * len(rows)
    lines_before = [sum(cell.count("\n") for row in rows[:number] for cell in row) for number in range(len(rows))]
    assert found.line.tolist() == [1 + number + before for number, before in enumerate(lines_before)]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", ",", '"x"', '""', "\n", "é", "b,c\n", '"x",y\n', '1,"a\nb"\n', ',"', "x,y\n", 'p"q,r\n']),
        max_size=12,
    ).map("".join)
)
def test_duckdb_and_we_see_the_same_records(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever DuckDB accepts is whole to us with as many records; what it refuses, we find broken somewhere."""
    path = tmp_path_factory.mktemp("t") / "a.csv"
    text = "h,i\n" + text
    try:
        found = cut(path, text, columns=2, has_header=True)
    except InputError:
        found = None
    try:
        rows = duckdb.sql(
            f"from read_csv('{path}', auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"',"
            " strict_mode = true, columns = {'a': 'VARCHAR', 'b': 'VARCHAR'})"
        ).fetchall()
    except duckdb.InvalidInputException:
        assert found is None or (found.fields != 2).any()
    else:
        assert found is not None
        assert (found.fields == 2).all()
        assert len(found) == len(rows)
