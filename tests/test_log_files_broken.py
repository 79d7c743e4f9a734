"""Broken files of a customer: nothing raises, and no line is lost or told twice."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from smssim.logs.files import bytes as lines
from smssim.logs.files import bytes as raw
from smssim.logs.files.detect import open_file, reread
from smssim.logs.files.format import Capture, Empty, HeadingRules, Unreadable
from smssim.logs.files.table import Table

HEADING = "id,time"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "cp1252")
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

pieces = st.sampled_from(
    [
        *'a1,,\n\n\r" é\x00\ud800\x81',
        "\r\n",
        '""',
        ',,"',
        "total",
        "合计",
        f"\n{HEADING}\n",
        HEADING,
    ]
)
bodies = st.lists(pieces, max_size=40).map("".join)


def is_heading(cells: Sequence[str]) -> bool:
    """Two headings that a customer could have."""
    return {"id", "time"} <= {cell.strip() for cell in cells}


def lines_of(text: str) -> int:
    """The lines of a text, however they end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.count("\n") + (not text.endswith("\n") and text != "")


def check(path: Path) -> tuple[Table, int] | None:
    """Read a file to its end; give its table and the number of its lines told of."""
    found = open_file(path, HeadingRules(is_heading, lambda headings: (0,)))[0]
    if isinstance(found, Unreadable):
        assert found.reason
        return None
    if isinstance(found, Capture | Empty):
        return None
    taken: list[int] = []
    shown: dict[int, str] = {}
    before = -1
    for batch in found.batches():
        assert batch.unit >= before
        before = batch.unit
        assert set(batch.columns) == set(found.headings)
        assert {len(column) for column in batch.columns.values()} <= {len(batch.rows)}
        rows = batch.rows.tolist()
        shown |= {row: batch.text(place) for place, row in enumerate(rows)}
        for column in batch.columns.values():
            column.validate(full=True)
        assert rows == sorted(rows)
        assert all(refused.reasons for refused in batch.rejected)
        taken += rows + [refused.row for refused in batch.rejected]
    assert len(taken) == len(set(taken))
    assert all(row > 0 for row in taken)
    assert reread(path, shown, found.detected) == shown
    assert all(count > 0 for count in found.not_records.values())
    return found, len(taken) + found.not_records.total()


@SHARED
@given(st.binary(max_size=200), st.booleans())
@example(b"\xff\xfe", False)
@example(b"PAR1", False)
@example(b"PK\x03\x04", False)
@example(b'{"id": [}', False)
@example(b'{"id": "\\ud800"}', False)
@example(b"\x1f\x8b", False)
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, packed: bool) -> None:
    """A file of noise is nothing, or a table with quarantined lines; never a traceback."""
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(data) if packed else data)
    check(path)


@SHARED
@given(bodies, st.sampled_from(ENCODINGS), st.booleans(), st.integers(0, 60))
def test_any_text_after_a_heading_is_told_of(
    tmp_path: Path, body: str, encoding: str, packed: bool, cut: int
) -> None:
    """A table with anything in it, in any encoding, compressed and cut."""
    errors = "surrogatepass" if encoding.startswith("utf") else "ignore"
    data = (HEADING + "\n" + body).encode(encoding, errors)
    data = gzip.compress(data) if packed else data
    path = tmp_path / "a.csv"
    path.write_bytes(data[: len(data) - cut])
    check(path)


@SHARED
@given(bodies.map(lambda body: body.replace('"', "'").replace("\x00", "")))
def test_every_line_is_told_of_once(tmp_path: Path, body: str) -> None:
    """Lines in are lines in batches, refused, or ignored; and the heading."""
    text = HEADING + "\n1,2\n1,2\n1,2\n" + body.replace("\ud800", "\x81")
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("utf-8"))
    result = check(path)
    assert result is not None
    table, told = result
    assert table.detected["separator"] == "comma"
    assert told + 1 == lines_of(text)


@SHARED
@given(
    st.lists(st.lists(st.text('ab,"\n é合', max_size=5), min_size=1, max_size=4), max_size=8),
    st.integers(1, 40),
)
def test_blocks_end_anywhere(tmp_path: Path, records: list[list[str]], size: int) -> None:
    """What is read does not depend on where a block of bytes ends."""
    body = "\n".join(",".join(cell if "a" in cell else f'"{cell}"' for cell in r) for r in records)
    path = tmp_path / "a.csv"
    path.write_text(f"{HEADING}\n1,2\n1,2\n{body}", encoding="utf-8", newline="")
    whole = _read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw.blocks, "__defaults__", (max(size, len(HEADING) + 9),))
        assert _read(path) == whole


def _read(path: Path) -> object:
    found = open_file(path, HeadingRules(is_heading))[0]
    assert isinstance(found, Table)
    rows, refused = [], []
    for batch in found.batches():
        cells = zip(*(column.to_pylist() for column in batch.columns.values()), strict=True)
        rows += list(zip(batch.rows.tolist(), cells, [batch.unit] * len(batch.rows), strict=True))
        refused += list(batch.rejected)
    return rows, refused, +found.not_records


def test_a_line_without_an_end_is_refused_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line beyond the limit is one refused record, and the next ones are read."""
    monkeypatch.setattr(lines, "LONGEST", 100)
    monkeypatch.setattr(raw.blocks, "__defaults__", (64,))
    path = tmp_path / "a.csv"
    path.write_text("id,time\n1,2\n" + "x" * 1000 + "\n3,4\n" + "y" * 500, encoding="utf-8")
    rows, refused, _ = _read(path)  # type: ignore[misc]
    assert [row for row, *_ in rows] == [2, 4]
    assert [(one.row, one.reasons) for one in refused] == [
        (3, ("line must be 100 bytes or fewer",)),
        (5, ("line must be 100 bytes or fewer",)),
    ]
