"""The what-if of the panel: what can be turned, what is run, what is told, without any widget."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smssim import compare
from smssim.checks.check import verdicts_of
from smssim.pages.panel import render as told
from smssim.pages.panel import study
from smssim.pages.panel.changes import middle_s, scaled
from smssim.pages.panel.chart import Axis, Line, chart
from smssim.pages.panel.controls import Control, controls_of, package_name
from smssim.pages.panel.pictures import Seen
from smssim.pages.panel.study import Study
from smssim.pages.panel.tiles import tiles, tiles_of
from smssim.scenario import Delay, Scenario, ScenarioError
from smssim.scenario.delays import moments
from smssim.simulation.policies.console import SwitchMode
from smssim.stats.intervals import mean_interval

SCENARIOS = sorted((Path(__file__).parents[1] / "data/scenarios").glob("*.yaml"))


def scenario(**changes: Any) -> Scenario:
    """Six days with packages that run out, users who ask again, outages and two promises."""
    resend = {"patience": {"lognormal_s": {"median": 45, "p95": 120}}}
    password = {"template": "code", "country": "ID", "messages_a_day": 150, "resend": resend}
    plain = {
        "name": "small",
        "start": "2026-11-02",
        "days": 6,
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
        "packages": [
            {"country": "ID", "segments": 700, "price": 210},
            {"country": "TH", "segments": 5_000},
        ],
        "traffic": [
            {"name": "a", **password},
            {"name": "b", **password, "country": "TH", "messages_a_day": 40.5},
        ],
        "callback": {"random_outages": {"up": 82_800, "down": {"exponential_s": 3_600}}},
        "checks": [
            {"name": "budget", "metric": "cost_usd", "below": 9_000, "margin": 500},
            {"name": "never dry", "metric": "runout.any", "below": 0.05},
        ],
    }
    return Scenario.model_validate(plain | changes)


BARE: dict[str, Any] = {"packages": [], "checks": [], "callback": {}}
"""What makes the scenario one with little to turn."""


ALLOWED = {"table", "caption", "thead", "tbody", "tr", "th", "td", "p", "span"}


def by_name(of: Scenario) -> dict[str, Control]:
    return {control.name: control for control in controls_of(of)}


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda path: path.stem)
def test_controls_change_what_they_say_from_end_to_end(file: Path) -> None:
    """At the base's value nothing; at either end a scenario, or a sentence about another value."""
    base = Scenario.load(file)
    controls = controls_of(base)
    assert controls
    assert len({control.name for control in controls}) == len(controls)
    for control in controls:
        assert control.label
        assert control.changes(control.value) == {}
        ends = [own for _, own in control.choices] or [control.low, control.high]
        if not control.choices:
            value = float(control.value)
            assert 0 < control.low <= value <= control.high
            assert (value - control.low) / control.step == pytest.approx(
                round((value - control.low) / control.step)
            )
        for end in ends:
            changes = control.changes(end)
            assert set(changes) <= set(control.paths)
            refused, made = "", None
            try:
                made = base.change(**changes)
            except ScenarioError as error:
                refused = str(error)
            if made is None:  # An alarm above its limit, say: the sentence names both.
                assert control.name.startswith("thresholds.")
                assert " must be > " in refused
            else:
                assert (made == base) == (end == control.value)


def test_a_limit_above_the_quota_is_a_ticket_for_more() -> None:
    base = scenario()
    limit = by_name(base)["thresholds.daily_limit"]
    assert "above 500 by ticket" in limit.label
    assert limit.changes(700) == {"thresholds.daily_limit": 700, "quota.daily_limit": 700}
    assert limit.changes(450) == {"thresholds.daily_limit": 450}


def test_a_package_keeps_its_price_per_segment() -> None:
    controls = by_name(scenario())
    dear, free = (controls[f"packages.{i}.segments"] for i in (0, 1))
    assert dear.changes(1_050) == {"packages.0.segments": 1_050, "packages.0.price": 315}
    assert free.changes(2_500) == {"packages.1.segments": 2_500}
    assert "price in proportion" in dear.label
    assert "price" not in free.label
    assert "packages.1.price" not in controls  # What is free stays so.


def test_size_and_price_of_a_package_are_changed_together() -> None:
    """The price is that of the base's size, whichever of the two was changed first."""
    own = Study(scenario())
    for values in ({"packages.0.segments": 1_050}, {"packages.0.price": 420}):
        own.change(values)
    assert own.scenario.packages[0].segments == 1_050
    assert own.scenario.packages[0].price == 630
    own.change({"packages.0.segments": 700})
    assert own.scenario.packages[0].price == 420
    own.reset()
    assert own.scenario == own.base


def test_a_price_that_a_slider_rounds_is_the_base() -> None:
    price = by_name(scenario())["routes.ID.price"]
    assert price.value == 0.05
    assert price.changes(0.05 + 1e-12) == {}
    assert price.changes(0.06) == {"routes.ID.price": 0.06}


def test_a_campaign_is_added_moved_and_left_out() -> None:
    base = scenario()
    added = by_name(base)["group_tasks"]
    assert added.label == "added campaign to ID, 5 Nov 10:00 UTC (code), recipients"
    size = added.choices[1][1]
    with_one = base.change(**added.changes(size))
    (task,) = with_one.group_tasks
    assert task.countries == {"ID": size}
    at = by_name(with_one)["group_tasks.0.at"]
    assert [text for text, _ in at.choices][2:4] == ["Thu 5 Nov 10:00", "Fri 6 Nov 10:00"]
    moved = with_one.change(**at.changes(1)).group_tasks[0]
    assert (moved.at - task.at).days == 1
    own = Study(with_one)
    own.change({"group_tasks.0.at": "not sent"})
    own.first()
    assert own.records[0].tasks is not None
    base_sent, sent = own.comparison.pairs("messages.requested")
    assert base_sent[0] - sent[0] >= size  # And users who asked again.


def test_users_ask_again_or_do_not() -> None:
    asked = scenario()
    never = asked.change(**{f"traffic.{i}.resend": None for i in (0, 1)})
    (patience,) = (own for own in controls_of(never) if "ask again" in own.label)
    assert patience.value == 0
    made = never.change(**patience.changes(60.0)).traffic[0].resend
    assert made is not None
    assert made.patience == Delay(lognormal_s={"median": 60, "p95": 180})
    (patience,) = (own for own in controls_of(asked) if "ask again" in own.label)
    assert asked.change(**patience.changes(0.0)) == never


def test_packages_of_a_country_are_numbered_where_it_has_several() -> None:
    packages = [{"country": name, "segments": 700} for name in ("ID", "TH", "ID")]
    base = scenario(packages=packages)
    names = [package_name(base, i) for i in range(4)]
    assert names == ["ID package 1", "TH package", "ID package 2", "package 1 of a policy"]


def test_outages_last_as_long_as_the_bases_and_come_as_often_as_asked() -> None:
    base = scenario()
    outages = by_name(base)["callback.random_outages"]
    assert outages.value == pytest.approx(1)
    for hours in (own for _, own in outages.choices if own not in (0, outages.value)):
        made = base.change(**outages.changes(hours)).callback.random_outages
        assert made is not None
        up, down = moments(made.up).mean_s, moments(made.down).mean_s
        assert down == 3_600
        assert 24 * down / (up + down) == pytest.approx(hours)
    assert base.change(**outages.changes(0)).callback.random_outages is None


def test_patience_is_scaled_as_a_whole_for_all_sources_that_share_it() -> None:
    base = scenario()
    (patience,) = (own for own in controls_of(base) if "ask again" in own.label)
    assert patience.label == "users of a, b ask again after (median)"
    made = base.change(**patience.changes(120.0))
    for source in made.traffic:
        assert source.resend is not None
        assert source.resend.patience == Delay(lognormal_s={"median": 120, "p95": 320})


@pytest.mark.parametrize(
    ("delay", "middle"),
    [
        ({"fixed_s": 60}, 60),
        ({"uniform_s": (20, 40)}, 30),
        ({"exponential_s": 100}, 69.31471805599453),
        ({"lognormal_s": {"median": 40, "p95": 90}}, 40),
        (
            {
                "lognormal_s": {"median": 4, "p95": 9},
                "slow": {"share": 0.1, "median": 600, "p95": 900},
            },
            4,
        ),
    ],
)
def test_scaling_a_delay_scales_its_middle_and_its_mean(delay: Any, middle: float) -> None:
    base = Delay.model_validate(delay)
    twice = Delay.model_validate(scaled(base, 2))
    assert middle_s(base) == pytest.approx(middle)
    assert middle_s(twice) == pytest.approx(2 * middle)
    assert moments(twice).mean_s == pytest.approx(2 * moments(base).mean_s)


def test_what_makes_no_sense_cannot_be_turned() -> None:
    """No mode without packages, no limit where only mainland China is sent to, no patience."""
    names = set(by_name(scenario(**BARE)))
    assert not {name for name in names if name.startswith(("account.", "packages."))}
    traffic = [{"name": "a", "template": "code", "country": "CN", "messages_a_day": 9}]
    mainland = scenario(**BARE, traffic=traffic)
    assert set(by_name(mainland)) == {
        "traffic.0.messages_a_day",
        "callback.random_outages",
        "routes.CN.price",
        "traffic.0.resend",
    }


def test_values_beyond_a_control_are_refused() -> None:
    control = by_name(scenario())["packages.0.segments"]
    with pytest.raises(ValueError, match=r"packages\.0\.segments\(=5\) must be in 200\.\.2100"):
        control.changes(5)
    with pytest.raises(ValueError, match=r"account\.service_mode\(='never'\) must be one of"):
        by_name(scenario())["account.service_mode"].changes("never")


SMALLER: dict[str, Any] = {"packages.0.segments": 490}


@pytest.fixture(scope="module")
def studied() -> Study:
    """Four pairs of a smaller package."""
    made = Study(scenario())
    made.change(SMALLER)
    while made.pairs < 4:
        made.refine()
    return made


def test_pairs_are_those_of_compare(studied: Study) -> None:
    what_if = {"packages.0.segments": 490, "packages.0.price": 147}
    expected = compare(scenario(), what_if, 4, workers=1).summary()
    assert studied.comparison.summary().equals(expected)
    assert (expected["difference"] != 0).any()
    for side, design in (("base", 0), ("what_if", 1)):
        found = verdicts_of(studied.base, studied.comparison.experiment, design)
        assert studied.verdicts(side) == found  # type: ignore[arg-type]


def test_runs_of_the_base_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    plain = study.simulate

    def counted(of: Scenario, **how: Any) -> Any:
        made.append(of.packages[0].segments)
        return plain(of, **how)

    monkeypatch.setattr(study, "simulate", counted)
    monkeypatch.setattr("smssim.experiment.worker.simulate", counted)
    own = Study(scenario())
    for segments in (490, 700, 1_050):
        own.change({"packages.0.segments": segments})
        own.first()
        own.refine()
        assert own.pairs == 2
    assert made == [700, 490, 700, 490, 1_050, 1_050]
    base, what_if = own.records
    assert base.messages is None
    assert what_if is not base


def test_a_wrong_change_changes_nothing(studied: Study) -> None:
    before, pairs = studied.scenario, studied.pairs
    with pytest.raises(ScenarioError, match=r"daily_limit\(=500\) must be > daily_alarm\(=600\)"):
        studied.change({"thresholds.daily_alarm": 600})
    with pytest.raises(ValueError, match=r"values\(=\['size'\]\) must be by the names"):
        studied.change({"size": 1})
    assert studied.scenario is before
    assert studied.pairs == pairs
    assert studied.values["thresholds.daily_alarm"] == 400


def test_it_is_enough_when_all_is_decided_and_the_bill_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Study(scenario(**BARE))
    looks = []
    while not own.enough:
        own.refine()
        if own.is_look:
            looks.append(own.pairs)
    assert looks == [4, 8, 16]  # Both sides are the same, and nothing was promised.
    assert "16 pairs of months: the difference of the bills is known" in told.status(own)
    bound = {"name": "tight", "metric": "runout.any", "below": 0.999}
    open_still = Study(scenario(checks=[bound]))
    monkeypatch.setattr(study, "MOST", 18)
    monkeypatch.setattr(told, "MOST", 18)
    while not open_still.enough:
        open_still.refine()
    assert open_still.pairs == 18
    assert told.status(open_still) == "18 pairs of months: no more are run."


def test_it_is_not_enough_until_the_bill_is_known() -> None:
    """What three times the traffic costs more is not known to 1% of the bill in 16 pairs."""
    own = Study(scenario(**BARE))
    own.change({"traffic.0.messages_a_day": 450})
    while not own.enough:
        own.refine()
    base, what_if = own.comparison.pairs("cost")
    assert study.LEAST < own.pairs < study.MOST
    _, low, high = mean_interval(what_if - base)
    assert high - low <= 0.02 * base.mean()


def test_a_date_says_in_how_many_months_it_comes() -> None:
    base = scenario()
    assert told._date(base, np.array([1.0, np.nan, 2.0])) == "3 Nov 12:00, in 2 of 3 months"
    assert told._date(base, np.array([1.0, 2.0])) == "3 Nov 12:00"


def test_a_promise_is_undecided_until_it_is_decided(studied: Study) -> None:
    rows = {row.label.partition(":")[0]: row for row in told.rows(studied)}
    assert rows["never dry"].what_if.startswith("broken after ")
    assert rows["budget"].base.startswith("undecided after 4 months: ")


def test_a_promise_of_a_part_of_the_month_is_decided_from_its_first_month_on() -> None:
    part = {"name": "in time", "metric": "latency_s.p95", "where": {"template": "code"}}
    own = Study(scenario(checks=[part | {"below": 86_400}]))
    own.first()
    (row,) = (row for row in told.rows(own) if row.label.startswith("in time: "))
    assert row.base.startswith("undecided after 1 month: ")
    assert row.pairs == "1"


def test_the_table_tells_means_dates_and_paired_intervals(studied: Study) -> None:
    rows = {row.label: row for row in told.rows(studied)}
    base, what_if = studied.comparison.pairs("cost")
    bill = rows["bill, USD"]
    assert bill.base == f"{base.mean():,.2f}"
    assert bill.pairs == "4"
    assert f"{(what_if - base).mean():,.2f}".removeprefix("-") in bill.difference
    assert " to " in bill.difference
    out = rows["ID package runs out"]
    days = studied.comparison.experiment.values("package.run_out[0]", 1)
    assert np.isfinite(days).all()
    assert out.what_if.startswith(f"{2 + int(days.mean())} Nov ")
    assert out.difference.startswith("\N{MINUS SIGN}")
    assert rows["TH package runs out"][1:] == ("never", "never", "-", "0")


class Html(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_is_plain_and_its_headings_have_a_scope(studied: Study) -> None:
    html = told.table(studied)
    found = Html(html)
    heads = [attrs["scope"] for tag, attrs in found.tags if tag == "th"]
    assert heads == ["col"] * 5 + ["row"] * len(told.rows(studied))
    assert {tag for tag, _ in found.tags} <= ALLOWED
    assert "never dry: probability(runout.any) < 0.05" in found.text
    assert "http" not in html
    assert "<script" not in html.lower()


def test_without_promises_it_is_told_how_to_make_some() -> None:
    own = Study(scenario(**BARE))
    own.first()
    assert "This scenario has no promises" in told.table(own)
    assert not own.verdicts("base")
    assert told.status(own) == "1 pair of months, refining..."


def test_the_tiles_say_what_is_better(studied: Study) -> None:
    """A smaller package costs less and runs out earlier; a difference of 0 is none."""
    found = {tile.name.partition(",")[0]: tile for tile in tiles_of(studied)}
    bill = found["Bill"]
    base, what_if = studied.comparison.pairs("cost")
    assert (bill.value, bill.base) == (f"{what_if.mean():,.2f}", f"{base.mean():,.2f}")
    assert bill.judgement == "better"
    assert " to \N{MINUS SIGN}" in bill.difference
    assert found["Months with a run-out"].value == "4 of 4"
    assert found["Promises kept"].base.endswith(" of 2")
    text = Html(tiles(studied)).text
    assert "\N{CHECK MARK} better" in text
    own = Study(scenario())
    own.refine()
    assert {tile.judgement for tile in tiles_of(own)} == {"same"}
    own.change({"packages.0.price": 500})
    own.first()
    assert "in one month" in tiles_of(own)[0].difference  # One pair says nothing of chance.
    assert tiles_of(own)[0].judgement == "unclear"


def test_a_dearer_bill_and_more_refused_are_worse() -> None:
    own = Study(scenario(account={"service_mode": "suspend"}))
    own.change({"packages.0.price": 500, **SMALLER})
    for _ in range(4):
        own.refine()
    found = {tile.name.partition(",")[0]: tile.judgement for tile in tiles_of(own)}
    names = ("Bill", "Refused by limits and run-outs", "Delivered")
    assert [found[name] for name in names] == ["worse"] * 3


def test_the_pictures_are_svg_with_their_words(studied: Study) -> None:
    drawn = Html(told.pictures_of(studied))
    words = [str(attrs["aria-label"]) for tag, attrs in drawn.tags if attrs.get("role") == "img"]
    assert [word.partition(":")[0] for word in words] == [
        "Bill",
        "ID packages run out",
        "TH packages run out",
        "otp",
    ]
    assert words[0].startswith(f"Bill: {studied.seen[1].bill.y[-1]:,.2f} USD; base ")
    assert words[2].startswith("TH packages run out: never; base never")


@pytest.mark.parametrize("start", ["2026-11-02", "2026-11-02T15:30:00Z"])
def test_what_is_drawn_is_what_is_reported(start: str) -> None:
    """The bill ends at the KPI and never falls, what is left begins at the size, crosses are the
    run-outs, delays end at all that is delivered.
    """
    own = Study(scenario(start=start))
    own.first()
    seen = Seen.of(own.records[0])
    figures = own.comparison.experiment
    assert seen.bill.y[-1] == pytest.approx(figures.values("cost", 0)[0])
    assert (np.diff(seen.bill.y) >= 0).all()
    assert (seen.bill.x[0], seen.bill.x[-1]) == (0, pytest.approx(6, abs=1))
    assert seen.left["TH"].y[0] == 5_000
    assert seen.left["ID"].crosses[0][0] == pytest.approx(
        figures.values("package.run_out[0]", 0)[0], abs=1e-6
    )
    curve, p95 = seen.latency["otp"]
    assert curve.y[-1] == 100
    assert p95 == pytest.approx(figures.values("latency.p95", 0)[0])


def test_points_of_a_chart_are_where_their_values_are() -> None:
    line = Line(np.array([0.0, 5.0, 10.0]), np.array([0.0, 50.0, 100.0]), [(5.0, 50.0)])
    axis = [Axis(0, top, [(0, "0"), (top, f"{top:,}")]) for top in (10, 100)]
    drawn = chart(line, None, axis[0], axis[1], "a < b")
    assert 'd="M60.0 150.0L206.0 79.0L352.0 8.0"' in drawn
    assert "M202.0 75.0L210.0 83.0" in drawn
    assert 'aria-label="a &lt; b"' in drawn
    log = Axis(1, 100, [], log=True)
    assert log.share(np.array([1.0, 10.0, 100.0, 1_000.0])).tolist() == [0, 0.5, 1, 1]
    many = Line(np.arange(10_000.0), np.arange(10_000.0)).thinned()
    assert len(many.x) < 500
    assert (many.x[0], many.x[-1]) == (0, 9_999)


def test_without_packages_bill_and_delays_are_drawn() -> None:
    own = Study(scenario(**BARE))
    assert told.pictures_of(own).count("<figure>") == 2


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_saved_scenario_is_the_what_if(here: Path, studied: Study) -> None:
    place = studied.save("mine.yaml")
    assert Scenario.load(place) == studied.scenario != studied.base
    with pytest.raises(FileExistsError):
        studied.save(place)
    with pytest.raises(ValueError, match=r"path\(='mine.txt'\) must end in .yaml"):
        studied.save("mine.txt")
    with pytest.raises(OSError, match="nowhere"):
        studied.save("nowhere/mine.yaml")
    assert sorted(path.name for path in here.iterdir()) == ["mine.yaml"]


def test_a_saved_scenario_finds_its_files_from_elsewhere(here: Path) -> None:
    own = Study(Scenario.load(next(file for file in SCENARIOS if file.stem == "launch")))
    own.change({"traffic.0.messages_a_day": 12_000})
    made = Scenario.load(own.save("far.yaml"))
    assert made.digest() == own.scenario.digest() or made.group_tasks != own.scenario.group_tasks
    assert made.find(made.group_tasks[0].file).is_file()  # type: ignore[arg-type]


def test_a_saved_scenario_may_lie_deeper_than_its_base(here: Path) -> None:
    """So deep that its way to the file leads nowhere from where the base lies."""
    launch = next(file for file in SCENARIOS if file.stem == "launch")
    near, deep = here / "near", here / "far" / "and" / "deep"
    near.mkdir()
    deep.mkdir(parents=True)
    shutil.copy(launch, near / "plan.yaml")
    named = Scenario.load(launch).group_tasks[0].file
    assert named is not None
    (near / named).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(Scenario.load(launch).find(named), near / named)
    own = Study(Scenario.load(near / "plan.yaml"))
    made = Scenario.load(own.save(deep / "plan.yaml"))
    assert made.digest() == own.scenario.digest()


def test_policies_act_on_both_sides() -> None:
    """Pay per use while nothing is left, by a policy that starts anew in each run."""
    base = scenario(account={"service_mode": "suspend"})
    plain, helped = Study(base), Study(base, [SwitchMode(after_s=0)])
    for own in (plain, helped):
        own.change(SMALLER)
        own.refine()
        own.refine()
    for values in helped.comparison.pairs("cost.pay_per_use"):
        assert (values > 0).all()
    assert not any(values.any() for values in plain.comparison.pairs("cost.pay_per_use"))
