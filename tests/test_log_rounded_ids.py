"""Ids that a spreadsheet rounded: different messages never become one without a word."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from smssim import read_log

IDS = st.lists(st.integers(10**14, 10**19), min_size=2, max_size=6, unique=True)
AT = "2026-05-01T10:00:00Z"
HEADINGS = ("id", "number", "submitted", "status")


def by_excel(number: int) -> str:
    """A whole number as a general cell shows it, and so as it is saved as CSV."""
    mantissa, exponent = f"{number:.5E}".split("E")
    return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"


def as_csv(path: Path, ids: list[int]) -> None:
    rows = [f"{by_excel(number)},+62812345678,{AT},DELIVRD" for number in ids]
    path.write_text("\n".join([",".join(HEADINGS), *rows]), encoding="utf-8")


def as_xlsx(path: Path, ids: list[int]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([HEADINGS, *((n, "+62812345678", AT, "DELIVRD") for n in ids)]):
            sheet.write_row(row, 0, cells)


def as_floats(path: Path, ids: list[int]) -> None:
    """As pandas keeps whole numbers once one of their column is missing."""
    columns = {
        "id": pa.array(list(map(float, ids)), pa.float64()),
        "number": ["+62812345678"] * len(ids),
        "submitted": [AT] * len(ids),
        "status": ["DELIVRD"] * len(ids),
    }
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize("write", [as_csv, as_xlsx, as_floats])
def test_messages_are_as_many_as_their_ids_or_told_of(
    write: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"

    @settings(max_examples=25, deadline=None)
    @given(IDS)
    def check(ids: list[int]) -> None:
        write(path, ids)  # type: ignore[operator]
        log = read_log(path)
        assert log.messages is not None
        counts = log.provenance["counts"]
        assert len(log.messages) + counts["quarantined"] == len(ids)
        assert counts["duplicates"] == 0
        refused = set(log.provenance["quarantined_by_reason"])
        assert refused <= {"id was rounded by a spreadsheet, it must have all its digits"}
        whole = [number for number in ids if number < 2**53]
        assert counts["used"] == (0 if write is as_csv else len(whole))

    check()


@pytest.mark.parametrize("name", ["12E4", "1E5", "1.2.3", "E+18", "1,2E+18x", "a1E+18", "2E+5"])
def test_an_id_with_an_e_is_an_id(name: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f'id;number;submitted;status\n"{name}";+62812345678;{AT};DELIVRD\n')
    assert read_log(path).provenance["counts"]["used"] == 1
