"""The page: self-contained, read in order, and the same figures as the reports."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from pages import Reader
from python_calamine import CalamineWorkbook
from worlds import worlds

import smssim
from smssim import cli, report
from smssim.html import Page
from smssim.html.cells import grid
from smssim.html.sections import SECTIONS
from smssim.plots.svg import svg
from smssim.record import Record
from smssim.report.summary import in_short
from smssim.run import Run, simulate
from smssim.scenario import Scenario

ROOT = Path(__file__).parents[1]
EXPORTS = ROOT / "data" / "exports"
HOSTILE = '<script>alert(1)</script> " onload="x {{ 7 * 7 }} $a_b$ & \N{CJK UNIFIED IDEOGRAPH-4E2D}'


def plain(name: str = "month", **changes: Any) -> Scenario:
    """Six days with everything that has a section: packages, limits, reviews, outages."""
    return Scenario.model_validate(
        {
            "name": name,
            "start": "2026-03-02",
            "days": 6,
            "quota": {"daily_limit": 2_000, "monthly_limit": 90_000},
            "thresholds": {
                "daily_alarm": 600,
                "daily_limit": 700,
                "monthly_alarm": 4_000,
                "monthly_limit": 9_000,
            },
            "applications": [{"name": name}],
            "templates": [
                {"name": name, "application": name},
                {"name": "late", "application": name, "submitted": "2026-03-02T10:00:00+08:00"},
            ],
            "packages": [{"country": "ID", "segments": 1_700, "price": 300}],
            "traffic": [
                {"name": name, "template": name, "country": "ID", "messages_a_day": 500},
                {"name": "b", "template": "late", "country": "TH", "messages_a_day": 300},
            ],
            "callback": {"outages": [{"at": "2026-03-03", "minutes": 90}]},
            **changes,
        }
    )


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(plain())


@pytest.fixture(scope="module")
def log() -> Record:
    return smssim.read_log(EXPORTS / "console", tz="UTC+8")


@pytest.fixture(scope="module")
def simulated(run: Run) -> Reader:
    return Reader(run.report().html)


@pytest.fixture(scope="module")
def recorded(log: Record) -> Reader:
    return Reader(log.report().html)


def headings(page: Reader) -> list[str]:
    return [text for level, text in page.headings if level == 2]


def test_a_page_keeps_the_rules(simulated: Reader, recorded: Reader) -> None:
    assert simulated.wrong == []
    assert recorded.wrong == []
    assert len(simulated.pictures) >= 3


def test_the_reader_of_pages_sees_what_is_wrong() -> None:
    """The test of the test."""
    page = (
        '<h1>a</h1><h3 id="i">b</h3><table><tr><th>c</th></tr><tr></tr></table>'
        '<svg><a xlink:href="http://x"></a></svg><script></script><p id="i" onclick="">'
        '<link href="//y"><style>p{background:url(z.png)}</style>'
    )
    wrong = "\n".join(Reader(page).wrong)
    for told in ("h1 is followed", "caption", "scope", "length", "role", "http://x", "a script"):
        assert told in wrong, told
    for told in ("id stands twice", "onclick", "//y", "z.png", "<p> is not closed"):
        assert told in wrong, told


def test_the_order_of_a_page(simulated: Reader, recorded: Reader) -> None:
    own, read = headings(simulated), headings(recorded)

    titles = [section.title for section in SECTIONS]
    shown = [title for title in own if title in titles]
    assert shown == [title for title in titles if title in shown]
    assert own[0] == "In short"
    assert own[-3:] == [
        "What is not known, and why",
        "Assumptions these answers hang on",
        "Provenance",
    ]
    for title in ("Cost", "What happened", "Packages", "Thresholds", "Delivery", "Status reports"):
        assert title in own, title
    assert read[:2] == ["What was left out", "In short"]
    assert read[-2:] == ["What is not known, and why", "Provenance"]
    assert "Thresholds" not in read


def test_the_short_answers_are_those_of_the_summary(
    run: Run, simulated: Reader, log: Record, recorded: Reader
) -> None:
    for record, page in ((run, simulated), (log, recorded)):
        for _, answer in in_short(record):
            assert answer in page.texts


def test_a_log_says_what_it_cannot_know(recorded: Reader) -> None:
    text = "\n".join(recorded.texts)
    for told in ("a log has no prices", "a log knows no reviews", "within 3 minutes", "left out"):
        assert told in text, told


def test_tables_show_the_figures_of_the_reports(run: Run, simulated: Reader) -> None:
    shown = simulated.tables[simulated.captions.index("Messages by country")]
    found = report.delivery(run)

    place = shown[0].index("delivered")
    assert [row[0] for row in shown[1:]] == found["country"].tolist()
    assert [row[place] for row in shown[1:]] == [f"{n:,}" for n in found["delivered"]]


def test_an_interval_stands_below_its_figure() -> None:
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(["2026-03-01", "2026-03-02"], utc=True),
            "a_share": [0.5, None],
            "a_share_low": [0.4, None],
            "a_share_high": [0.6, None],
            "cost_micro": [1_234_500_000, 0],
            "wait_s": [90.0, 7_200.0],
            "never": [None, None],
        }
    )
    made = grid(frame, list(frame), 1)

    assert made.header[:2] == ["at", "a"]
    assert made.rows[0][:2] == ["2026-03-01", "50.0 %\n40.0 % to 60.0 %"]
    assert made.rows[0][-2:] == ["1,234.50", "90 s"]
    assert "never" not in made.header
    assert list(made.notes) == ["and 1 more rows, which the workbook has"]


def test_a_share_known_better_than_a_tenth_of_a_per_cent() -> None:
    """An interval without width would say that nothing is left to chance."""
    frame = pd.DataFrame({"share": [0.99110], "share_low": [0.99080], "share_high": [0.99130]})

    assert grid(frame, ["share"], 9).rows == [["99.11 %\n99.08 % to 99.13 %"]]


def test_a_count_has_not_the_interval_of_its_share() -> None:
    frame = pd.DataFrame(
        {"sent": [3], "sent_share": [0.5], "sent_low": [0.2], "sent_high": [0.8], "said": [""]}
    )

    made = grid(frame, [*list(frame)[:2], "said"], 9)

    assert made.rows == [["3", "50.0 %\n20.0 % to 80.0 %"]]
    assert list(made.header) == ["sent", "sent"]


def test_two_periods_stand_side_by_side(run: Run, tmp_path: Path) -> None:
    other = replace(simulate(plain(days=5), rng=2), name="the {other} <one>")

    page = Reader(run.report(other).html)

    assert page.wrong == []
    assert headings(page)[:2] == ["In short", "Side by side"]
    assert "a: month; b: the {other} <one>" in page.captions
    run.report(other).xlsx(tmp_path / "two.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "two.xlsx"))
    rows = book.get_sheet_by_name("compare").to_python()
    assert len(rows) == 1 + len(report.compare(run, other))


def test_hostile_names_stay_names(run: Run) -> None:
    assert run.reviews is not None
    reviews = run.reviews.assign(template=HOSTILE)

    page = Reader(replace(run, name=HOSTILE, reviews=reviews).report().html)

    assert page.wrong == []
    assert page.headings[0] == (1, HOSTILE)
    assert HOSTILE in page.texts[page.texts.index("Template review") :]


def test_a_hostile_log_is_a_page_like_another(tmp_path: Path) -> None:
    """Names of applications, statuses and files come from strangers."""
    cell = HOSTILE.replace('"', '""')
    line = f'8613800138000,CN,"{cell}",2026-03-01T08:00:00Z,"<b>x"'
    log = tmp_path / "a <b> & 'c'.csv"
    log.write_text(
        f"id,phone,country,application,submitted,status\n1,{line}\n2,{line}\n3,x,<i>,,,\n"
    )

    page = Reader(smssim.read_log(log).report().html)

    assert page.wrong == []
    assert any("a <b> & 'c'" in text for text in page.texts)


def test_a_name_that_a_terminal_or_a_reader_obeys(run: Run) -> None:
    hidden = replace(run, name="a\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}b")

    assert Reader(hidden.report().html).headings[0] == (1, "a?[31m?b")


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    again = simulate(plain())

    assert again.report().html == run.report().html
    first = run.report().xlsx(tmp_path / "a.xlsx").read_bytes()
    assert again.report().xlsx(tmp_path / "b.xlsx").read_bytes() == first


def test_the_scenario_on_the_page_makes_it_again(run: Run, simulated: Reader) -> None:
    text = next(text for text in simulated.texts if text.startswith("{"))

    assert Scenario.parse(json.dumps(json.loads(text))).digest() == run.provenance["digest"]
    assert Scenario.parse(text).digest() == run.provenance["digest"]
    assert "smssim run scenario.yaml --rng 1 --html report.html" in simulated.texts


def test_a_page_in_a_notebook_keeps_to_its_frame(run: Run) -> None:
    shown = run.report()._repr_html_()

    assert shown.startswith("<iframe")
    inside = shown[shown.index('srcdoc="') + 8 : -len('"></iframe>')]
    assert '"' not in inside
    assert html.unescape(inside) == run.report().html


def test_the_workbook_has_every_row(run: Run, tmp_path: Path) -> None:
    book = CalamineWorkbook.from_path(str(run.report().xlsx(tmp_path / "month.xlsx")))

    assert book.sheet_names[:2] == ["in short", "kpis"]
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
    book = CalamineWorkbook.from_path(str(run.report().xlsx(tmp_path / "month.xlsx")))

    cells = {cell for row in book.get_sheet_by_name("review").to_python() for cell in row}
    assert "'=1+1" in cells
    assert "=1+1" not in cells


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_any_world_has_a_page(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, seed, policies = world
    run = simulate(scenario, rng=seed, policies=policies, rows=False)

    page = Reader(Page(run).html)

    assert page.wrong == []
    assert not {"nan", "None", "NaT", "<NA>"} & {cell for t in page.tables for r in t for cell in r}


@pytest.mark.parametrize("export", ["capture", "joined", "workbook"])
def test_any_log_has_a_page(export: str, tmp_path: Path) -> None:
    log = smssim.read_log(EXPORTS / export, tz="UTC+8")

    assert Reader(log.report().html).wrong == []
    assert log.report().xlsx(tmp_path / "log.xlsx").stat().st_size > 0


def test_a_month_of_a_million_fits_into_a_mail(tmp_path: Path) -> None:
    run = simulate(ROOT / "data" / "scenarios" / "launch.yaml", rows=False)

    page = run.report().save(tmp_path / "month.html")

    assert page.stat().st_size < 2_000_000
    assert Reader(page.read_text(encoding="utf-8")).wrong == []


def test_a_picture_is_told_in_words() -> None:
    def draw(ax: Any) -> None:
        ax.plot([0, 1], [0, 1.23456], label="a < b & $c$")
        ax.set_title('"rising"', loc="left")
        ax.set_xlabel("days")
        ax.legend()

    drawn = svg(draw, "one", "A line.")

    told = Reader(f"<h1>x</h1>{drawn}")
    assert told.wrong == []
    assert told.pictures == [('"rising"', "A line. Legend: a < b & $c$. Across: days.")]
    assert all(name.startswith("one-") for name in told.ids)
    assert "xlink" not in drawn
    assert "a < b & $c$" in told.texts[1:]


def test_the_command_line_writes_page_and_workbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "month.yaml"
    scenario.write_text(plain().to_json(), encoding="utf-8")
    page, book = tmp_path / "a.html", tmp_path / "a.xlsx"
    files = ["--html", str(page), "--xlsx", str(book)]

    assert cli.main(["run", str(scenario), "--out", str(tmp_path / "kept"), *files]) == 0
    first = page.read_text(encoding="utf-8")
    assert cli.main(["report", str(tmp_path / "kept"), *files]) == 0

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
