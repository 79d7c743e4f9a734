"""The tables of a page as a workbook: whole frames, a worksheet each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.pages import origin as words
from smssim.pages.parts import Section
from smssim.pages.spreadsheets import write_xlsx
from smssim.record.record import Record
from smssim.report.kpis import kpis
from smssim.report.left_out import reasons
from smssim.report.summary import in_short

if TYPE_CHECKING:
    import pandas as pd


def worksheets(record: Record, sections: Sequence[Section], path: Path) -> None:
    """Write the frames that have rows, with what was left out first and the origin last."""
    frames = {name: frame for name, frame in _frames(record, sections).items() if len(frame)}
    write_xlsx(frames, path)


def _frames(record: Record, sections: Sequence[Section]) -> dict[str, pd.DataFrame]:
    import pandas as pd

    left_out = reasons(record, 10**6)
    return {
        "left out": pd.DataFrame(left_out.rows, columns=list(left_out.header)),
        "in short": pd.DataFrame(in_short(record), columns=["what", "answer"]),
        "kpis": kpis(record),
        **{table.name: table.frame(record) for section in sections for table in section.tables},
        "not known": pd.DataFrame(words.not_known(record), columns=["what", "why"]),
        "provenance": pd.DataFrame(words.origin(record).rows, columns=["what", "value"]),
    }
