"""The page: self-contained, read in order, and the same figures as the reports."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pages import Reader, headings, plain
from python_calamine import CalamineWorkbook
from worlds import worlds

import smssim
from smssim import report
from smssim.pages import sections, tables
from smssim.pages.answers import answers
from smssim.pages.page import Page
from smssim.pages.sections import SECTIONS
from smssim.plots._svg import svg
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate
from smssim.sms.reference import country_label

ROOT = Path(__file__).parents[1]
EXPORTS = ROOT / "data" / "exports"
HOSTILE = '<script>alert(1)</script> " onload="x {{ 7 * 7 }} $a_b$ & \N{CJK UNIFIED IDEOGRAPH-4E2D}'


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(plain())


@pytest.fixture(scope="module")
def log() -> Record:
    return smssim.read_log(EXPORTS / "console", tz="UTC+8")


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    """Makes its HTML once."""
    return smssim.page(run)


@pytest.fixture(scope="module")
def simulated(page: Page) -> Reader:
    return Reader(page.html)


@pytest.fixture(scope="module")
def recorded(log: Record) -> Reader:
    return Reader(smssim.page(log).html)


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
    for told in ("id appears twice", "onclick", "//y", "z.png", "<p> is not closed"):
        assert told in wrong, told


def test_the_order_of_a_page(simulated: Reader, recorded: Reader) -> None:
    own, read = headings(simulated), headings(recorded)

    titles = [section.title for section in SECTIONS]
    shown = [title for title in own if title in titles]
    assert shown == [title for title in titles if title in shown]
    assert own[0] == "Summary"
    assert own[-3:] == ["Limitations", "Assumptions", "Provenance"]
    for title in (
        "Cost",
        "Events",
        "Packages",
        "Thresholds",
        "Delivery",
        "Delivery reports",
    ):
        assert title in own, title
    assert read[:2] == ["Records left out", "Summary"]
    assert read[-2:] == ["Limitations", "Provenance"]
    assert "Thresholds" not in read


def test_the_short_answers_are_those_of_the_summary(
    run: Run, simulated: Reader, log: Record, recorded: Reader
) -> None:
    for record, page in ((run, simulated), (log, recorded)):
        for answer in answers(record):
            assert answer.text in page.texts


def test_a_log_says_what_it_cannot_know(recorded: Reader) -> None:
    text = "\n".join(recorded.texts)
    for told in (
        "a log has no prices",
        "a log has no template reviews",
        "within 3 minutes",
        "left out",
    ):
        assert told in text, told


def test_tables_show_the_figures_of_the_reports(run: Run, simulated: Reader) -> None:
    shown = simulated.tables[simulated.captions.index("Messages by country")]
    found = report.delivery(run)

    place = shown[0].index("delivered")
    assert [row[0] for row in shown[1:]] == [country_label(code) for code in found["country"]]
    assert [row[place] for row in shown[1:]] == [f"{n:,}" for n in found["delivered"]]


def test_two_periods_stand_side_by_side(run: Run, tmp_path: Path) -> None:
    other = replace(simulate(plain(days=5), rng=2), name="the {other} <one>")

    both = smssim.page(run, other)
    read = Reader(both.html)

    assert read.wrong == []
    assert headings(read)[:2] == ["Summary", "Comparison"]
    assert "a: month; b: the {other} <one>" in read.captions
    both.xlsx(tmp_path / "two.xlsx")
    book = CalamineWorkbook.from_path(str(tmp_path / "two.xlsx"))
    rows = book.get_sheet_by_name("compare").to_python()
    assert len(rows) == 1 + len(report.compare(run, other))


def test_hostile_names_stay_names(run: Run) -> None:
    assert run.reviews is not None
    reviews = run.reviews.assign(template=HOSTILE)

    page = Reader(smssim.page(replace(run, name=HOSTILE, reviews=reviews)).html)

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

    page = Reader(smssim.page(smssim.read_log(log)).html)

    assert page.wrong == []
    assert any("a <b> & 'c'" in text for text in page.texts)


def test_a_name_that_a_terminal_or_a_reader_obeys(run: Run) -> None:
    hidden = replace(run, name="a\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}b")

    assert Reader(smssim.page(hidden).html).headings[0] == (1, "a?[31m?b")


def test_the_same_run_gives_the_same_bytes(page: Page, tmp_path: Path) -> None:
    again = smssim.page(simulate(plain()))

    assert again.html == page.html
    first = page.xlsx(tmp_path / "a.xlsx").read_bytes()
    assert again.xlsx(tmp_path / "b.xlsx").read_bytes() == first


def test_the_scenario_on_the_page_makes_it_again(run: Run, simulated: Reader) -> None:
    text = next(text for text in simulated.texts if text.startswith("{"))

    assert Scenario.parse(json.dumps(json.loads(text))).digest() == run.provenance["digest"]
    assert Scenario.parse(text).digest() == run.provenance["digest"]
    assert "smssim run scenario.yaml --rng 1 --html report.html" in simulated.texts


def test_a_page_in_a_notebook_keeps_to_its_frame(page: Page) -> None:
    shown = page._repr_html_()

    assert shown.startswith("<iframe")
    inside = shown[shown.index('srcdoc="') + 8 : -len('"></iframe>')]
    assert '"' not in inside
    assert html.unescape(inside) == page.html


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
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

    assert Reader(smssim.page(log).html).wrong == []
    assert smssim.page(log).xlsx(tmp_path / "log.xlsx").stat().st_size > 0


def test_a_month_of_a_million_fits_into_a_mail(tmp_path: Path) -> None:
    run = simulate(ROOT / "data" / "scenarios" / "launch.yaml", rows=False)

    page = smssim.page(run).save(tmp_path / "month.html")

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


def test_an_export_without_pushes_shows_none(recorded: Reader) -> None:
    """A picture of no report received would say that the customer's server was away."""
    assert not any("received in each hour" in " ".join(told) for told in recorded.pictures)
    assert any("no delivery report that reached" in text for text in recorded.texts)


def test_failures_say_where(log: Record) -> None:
    """UNDELIV of the platform and of a supplier are two rows."""
    found = tables.failures(log)
    assert set(found.loc[found["code"] == "UNDELIV", "refused_at"]) == {
        "sent",
        "rejected by platform",
    }
    assert "refused_at" in sections.FAILURES
