"""Files to hand on: the workbook, and what the command line writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pages import Reader, headings, plain
from python_calamine import CalamineWorkbook

import smssim
from smssim import cli, report
from smssim.simulation.simulate import Run, simulate


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(plain())


def test_the_workbook_has_every_row(run: Run, tmp_path: Path) -> None:
    book = CalamineWorkbook.from_path(str(smssim.page(run).xlsx(tmp_path / "month.xlsx")))

    assert book.sheet_names[:2] == ["summary", "kpis"]
    assert book.sheet_names[-1] == "provenance"
    for name, made in (("delivery", report.delivery), ("thresholds", report.thresholds)):
        header, *rows = book.get_sheet_by_name(name).to_python()
        frame = made(run)
        assert header == list(frame.columns)
        assert len(rows) == len(frame)
        for place, column in enumerate(frame.columns):
            if frame[column].dtype.kind in "iu" and frame[column].notna().all():
                assert [row[place] for row in rows] == frame[column].tolist(), column


def test_cells_of_the_workbook_are_not_executed(run: Run, tmp_path: Path) -> None:
    assert run.reviews is not None
    run = replace(run, reviews=run.reviews.assign(template="=1+1"))
    book = CalamineWorkbook.from_path(str(smssim.page(run).xlsx(tmp_path / "month.xlsx")))

    cells = {cell for row in book.get_sheet_by_name("review").to_python() for cell in row}
    assert "'=1+1" in cells
    assert "=1+1" not in cells


def test_the_command_line_writes_page_and_workbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "month.yaml"
    scenario.write_text(plain().to_json(), encoding="utf-8")
    page, book = tmp_path / "a.html", tmp_path / "a.xlsx"
    html = ["--html", str(page)]

    assert cli.main(["run", str(scenario), "--out", str(tmp_path / "kept"), *html]) == 0
    first = page.read_text(encoding="utf-8")
    assert cli.main(["report", str(tmp_path / "kept"), *html, "--xlsx", str(book)]) == 0

    assert capsys.readouterr().err == ""
    assert Reader(first).wrong == []
    # A kept run is loaded with its rows, so it knows all that the run did, and more.
    assert headings(Reader(page.read_text(encoding="utf-8"))) == headings(Reader(first))
    assert "delivery" in CalamineWorkbook.from_path(str(book)).sheet_names


@pytest.mark.parametrize("option", ["--html", "--xlsx"])
def test_where_nothing_can_be_written_nothing_is_simulated(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "month.yaml"
    scenario.write_text(plain().to_json(), encoding="utf-8")
    out = tmp_path / "kept"

    for path, told in ((tmp_path / "no" / "a", "there is no directory"), (tmp_path, "a directory")):
        code = cli.main(["run", str(scenario), "--out", str(out), option, str(path)])
        assert code == 2
        assert told in capsys.readouterr().err
    assert not out.exists()
