"""A record as one HTML file: no network, no script, printable, and read aloud in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from smssim.formatting import Grid
from smssim.pages.answers import answers
from smssim.pages.assumptions import assumptions
from smssim.pages.cells import grid
from smssim.pages.data_quality import (
    commands,
    not_known,
    origin,
    reasons,
    recognised_files,
    remarks,
    scenario_text,
    used,
)
from smssim.pages.intervals import interval_answers
from smssim.pages.sections import Picture, Section, Table, sections_of
from smssim.pages.spreadsheets import write_xlsx
from smssim.pages.summary import head
from smssim.pages.tiles import tiles
from smssim.record.record import Record, require_record
from smssim.record.storage import whole_file
from smssim.report._record import recorded
from smssim.report.kpis import kpis
from smssim.scenario import Scenario

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.axes import Axes

    from smssim.experiment import Experiment

__all__ = ["MOST_ROWS", "Page", "page"]

_FEW_LANES = 4
MOST_ROWS = 60
"""Rows of a table on the page; the workbook has all of them."""


def page(
    record: Record, compare_to: Record | None = None, *, runs: Experiment | None = None
) -> Page:
    """All reports of a record as one page to hand on: `save` it, or write its tables with `xlsx`.

    A simulated and a recorded period get the same page, with a comparison with *compare_to* if
    there is one, and the intervals of many *runs* of the same scenario if they are given;
    docs/reports.md lists what is on it. Raise a TypeError for what is not a record.
    """
    return Page(require_record(record), compare_to, runs)


class _RenderedSection(NamedTuple):
    """A section that applies: its texts, pictures as SVG, and tables with their captions,
    each folded away or not."""

    anchor: str
    title: str
    words: str
    pictures: Sequence[str]
    tables: Sequence[tuple[str, Grid, bool]]


@dataclass(frozen=True)
class Page:
    """All that the reports show of a record, to hand on: `html` is one file, `xlsx` its tables.

    The same record gives the same bytes. Nothing in it is loaded from elsewhere, and no name in it
    is executed.
    """

    record: Record
    compare_to: Record | None = None
    """Another period to compare it with, or none."""
    runs: Experiment | None = None
    """Many runs of the same scenario, whose intervals are shown, or none."""

    @cached_property
    def sections(self) -> Sequence[Section]:
        """What is looked for in the record, in the order of the page."""
        return sections_of(self.record, self.compare_to)

    @cached_property
    def html(self) -> str:
        """The page as one HTML document."""
        record = self.record
        sections, missing = [], []
        for section in self.sections:
            rendered = self._rendered(section)
            if rendered is not None:
                sections.append(rendered)
            elif section.unknown and recorded(record):
                missing.append((section.title, section.unknown))
        return _template().render(
            name=record.name,
            head=[line.removeprefix(f"{record.name}: ") for line in head(record)],
            left_out=_left_out(record),
            tiles=tiles(record, self.runs),
            answers=answers(record) if self.runs is None else interval_answers(self.runs),
            sections=sections,
            unknown=[*missing, *not_known(record)],
            assumptions=_assumptions(record),
            origin=origin(record),
            commands=commands(record),
            scenario=scenario_text(record),
            recognised=list(recognised_files(record)),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page as an HTML file, UTF-8, and hand its path back.

        The file is written whole or not at all; an OSError names it.
        """
        path = Path(path)
        html = self.html
        with whole_file(path) as new:
            new.write_text(html, encoding="utf-8", newline="\n")
        return path

    def xlsx(self, path: str | Path) -> Path:
        """Write the tables of the page with all rows and columns as a workbook, a worksheet each.

        Times are dates in UTC, and no cell is executed (`smssim.pages.spreadsheets`). What was left
        out comes first, the origin last. Hand the path back.
        """
        path = Path(path)
        frames = {name: frame for name, frame in self._worksheets().items() if len(frame)}
        write_xlsx(frames, path)
        return path

    def _repr_html_(self) -> str:
        """The page in a frame, so that its style stays out of the notebook's."""
        how = 'sandbox="" style="width:100%;height:80vh;border:1px solid #ccc"'
        title = escape(f"Report of {self.record.name}")
        return f'<iframe title="{title}" {how} srcdoc="{escape(self.html)}"></iframe>'

    def _worksheets(self) -> dict[str, pd.DataFrame]:
        record = self.record
        left_out = reasons(record, 10**6)
        tables = (table for section in self.sections for table in section.tables)
        sheets = {
            "left out": pd.DataFrame(left_out.rows, columns=list(left_out.header)),
            "summary": pd.DataFrame(answers(record), columns=["what", "answer", "severity"]),
            "kpis": kpis(record),
            **{table.name: table.frame(record) for table in tables},
            "limitations": pd.DataFrame(not_known(record), columns=["what", "why"]),
            "provenance": pd.DataFrame(origin(record).rows, columns=["what", "value"]),
        }
        return {name: _in_currency(frame, record.currency) for name, frame in sheets.items()}

    def _rendered(self, section: Section) -> _RenderedSection | None:
        tables = [(self._caption(t), self._grid(t), t.folded) for t in section.tables]
        tables = [(caption, rows, folded) for caption, rows, folded in tables if rows.rows]
        pictures = [svg for picture in section.pictures if (svg := self._svg(picture))]
        if not tables and not pictures:
            return None
        anchor = section.title.lower().replace(" ", "-")
        return _RenderedSection(anchor, section.title, section.words, pictures, tables)

    def _caption(self, table: Table) -> str:
        currency = self.record.currency
        caption = table.caption if currency else table.caption.replace(", {currency}", "")
        return caption.replace("{currency}", currency or "")

    def _grid(self, table: Table) -> Grid:
        if callable(table.show):
            return table.show(self.record, MOST_ROWS)
        return grid(table.frame(self.record), table.show, MOST_ROWS)

    def _svg(self, picture: Picture) -> str:
        from smssim.plots._svg import svg

        rows = len(picture.frame(self.record))
        if not rows:
            return ""
        low = picture.low and rows <= _FEW_LANES

        def draw(ax: Axes) -> None:
            picture.draw(self.record, ax=ax)

        return svg(draw, picture.name, picture.words, low=low)


def _left_out(record: Record) -> dict[str, Any] | None:
    """What the reading of a log left out; None for what was simulated."""
    if not recorded(record):
        return None
    return {
        "used": used(record),
        "reasons": reasons(record, MOST_ROWS),
        "remarks": list(remarks(record, MOST_ROWS)),
    }


def _assumptions(record: Record) -> list[tuple[str, str]]:
    """What the results depend on, each a name and its value."""
    scenario = record.provenance.get("scenario")
    lines = [] if scenario is None else assumptions(record, Scenario.parse(scenario))
    pairs = [line.partition(": ") for line in lines]
    return [(name, value) for name, _, value in pairs]


def _in_currency(frame: pd.DataFrame, currency: str | None) -> pd.DataFrame:
    """Money once, in whole units of the currency, not in millionths."""
    unit = (currency or "currency").lower()
    micro = [name for name in frame if str(name).endswith("_micro")]
    names = {name: f"{str(name).removesuffix('_micro')}_{unit}" for name in micro}
    doubled = [name for name in micro if names[name] in frame]
    frame = frame.drop(columns=doubled)
    for name in set(micro) - set(doubled):
        frame[name] = frame[name] / 1e6
    return frame.rename(columns=names)


def _readable(value: Any) -> Any:
    """A text without what is no letter, such as an escape sequence or a change of direction."""
    if type(value) is not str:
        return value
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in value)


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("smssim.pages", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
