"""Pictures: what is drawn is what the reports say, whatever it looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from smssim import plots, report
from smssim.plots._timeline import Dry, dry_spells
from smssim.report.latency import latency_curve
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

PICTURES: dict[str, Callable[..., Axes]] = {
    "burn_down": plots.burn_down,
    "latency": plots.latency,
    "thresholds": plots.thresholds,
}


def scenario(**changes: Any) -> Scenario:
    """Ten days in mode suspend: ID runs out and gets a second package; the limit trips daily."""
    plain = {
        "start": "2026-03-02",
        "days": 10,
        "account": {"service_mode": "suspend"},
        "quota": {"daily_limit": 2_000, "monthly_limit": 90_000},
        "thresholds": {
            "daily_alarm": 600,
            "daily_limit": 700,
            "monthly_alarm": 4_000,
            "monthly_limit": 9_000,
        },
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
        "packages": [
            {"country": "ID", "segments": 1_700},
            {"country": "ID", "segments": 900, "at": "2026-03-08"},
            {"country": "TH", "segments": 9_000},
        ],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 500},
            {"name": "b", "template": "code", "country": "TH", "messages_a_day": 300},
        ],
    }
    return Scenario.model_validate(plain | changes)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario(), rows=False)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Figures are closed after each test, and none is shown."""
    mpl.use("agg")
    monkeypatch.setattr(plt, "show", lambda *_: pytest.fail("a picture is drawn, not shown"))
    yield
    plt.close("all")


def days(times: Any) -> np.ndarray[Any, Any]:
    """Moments as matplotlib counts them: days since 1970, UTC."""
    epoch = pd.Timestamp(0, unit="s", tz="UTC")
    return ((pd.Series(list(times)) - epoch) / pd.Timedelta(days=1)).to_numpy(float)


def marked(ax: Axes, marker: str) -> np.ndarray[Any, Any]:
    """Where the picture has this marker."""
    found = [line.get_xydata() for line in ax.lines if line.get_marker() == marker]
    return np.concatenate(found)


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    return [text.get_text() for text in found.get_texts()] if found else []


def ticks(ax: Axes) -> list[str]:
    """The dates on the time axis that are within it."""
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    labels = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    return [label.get_text() for at, label in labels if low <= at <= high]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_slide_of_its_own_and_changes_no_settings(run: Run, name: str) -> None:
    before = dict(mpl.rcParams)
    ax = PICTURES[name](run)

    assert dict(mpl.rcParams) == before
    assert ax.figure.get_size_inches().tolist() == [12.8, 7.2]
    assert ax.figure.axes == [ax]
    assert all([ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()])


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_on_the_axes_given(run: Run, name: str) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert PICTURES[name](run, ax=right) is right

    assert plt.get_fignums() == [figure.number]
    assert not left.has_data()
    assert right.has_data()


@pytest.mark.parametrize("name", PICTURES)
def test_lines_differ_in_more_than_colour(run: Run, name: str) -> None:
    ax = PICTURES[name](run)
    lines = [line for line in ax.lines if len(line.get_xdata()) > 2 and line.get_marker() == "None"]
    looks = {str(line.get_linestyle()) + str(line._dash_pattern) for line in lines}  # type: ignore[attr-defined]
    assert len(lines) >= 2
    assert len(looks) >= 2


def test_burn_down_is_the_report(run: Run) -> None:
    frame = report.burn_down(run)
    ax = plots.burn_down(run)

    stairs = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    for line, (_, own) in zip(stairs, frame.groupby("country"), strict=True):
        x, y = line.get_xydata().T
        np.testing.assert_allclose(x, days(own["at"]))
        drawn = ~np.isnan(y)
        np.testing.assert_array_equal(y[drawn], own["left"].to_numpy()[drawn])
        assert (own["left"].to_numpy()[~drawn] == 0).all()
    for event, marker in (("package_bought", "^"), ("package_empty", "o"), ("run_out", "X")):
        own = frame[frame["event"] == event]
        expected = np.stack([days(own["at"]), own["left"].to_numpy(float)], axis=1)
        assert len(expected)
        np.testing.assert_allclose(sorted(marked(ax, marker).tolist()), sorted(expected.tolist()))
    assert {"ID", "TH"} <= set(words(ax))
    assert legend(ax) == [
        "package bought",
        "package used up",
        "nothing left",
        "no package left: sending stopped",
        "projected, if days stay alike",
        "95% interval",
    ]


def test_burn_down_shows_from_the_run_out_to_the_next_package(run: Run) -> None:
    assert run.events is not None
    dry = run.events[(run.events["event"] == "run_out") & (run.events["subject"] == "ID")]
    end = pd.Timestamp("2026-03-12", tz="UTC")
    ends = [pd.Timestamp("2026-03-08", tz="UTC"), end]

    ax = plots.burn_down(run)

    ends_of = [path.get_paths()[0].get_extents() for path in ax.collections]
    spans = [span for span in ends_of if span.y0 < 0]
    np.testing.assert_allclose([span.x0 for span in spans], days(dry["at"]))
    np.testing.assert_allclose([span.x1 for span in spans], days(ends))
    assert all(span.y1 < 0 for span in spans)
    (told,) = (text for text in words(ax) if text.startswith("ID ran out"))
    assert told == "ID ran out " + ", ".join(f"{at.day} Mar {at:%H:%M}" for at in dry["at"])
    first = dry["at"].iloc[0]
    assert ax.get_title(loc="left") == (f"Sending stops as packages run out: ID {first.day} Mar")


def test_burn_down_in_mode_pay_per_use_says_that_messages_are_billed() -> None:
    ax = plots.burn_down(simulate(scenario(account={}), rows=False))
    assert "no package left: billed at the pay-per-use price" in legend(ax)
    assert ax.get_title(loc="left").startswith("Packages run out: ID ")


def test_burn_down_takes_the_frame_of_the_report(run: Run) -> None:
    ahead = report.package_forecast(run)
    by_frame = plots.burn_down(report.burn_down(run), ahead=ahead)
    assert words(by_frame) == words(plots.burn_down(run))
    assert "record ends" not in words(plots.burn_down(report.burn_down(run)))


def test_stretches_without_packages_follow_suspension() -> None:
    """Billed from 1, stopped from 2, billed again from 4 without a package, filled at 5; from 7."""
    rows = [
        (0, 9, "package_bought"),
        (1, 1, "run_out"),
        (1, 1, "suspended"),
        (2, 1, ""),
        (4, 1, "resumed"),
        (5, 8, "package_bought"),
        (6, 7, ""),
        (7, 0, "run_out"),
        (8, 0, ""),
    ]
    frame = pd.DataFrame(rows, columns=["at", "left", "event"])
    assert dry_spells(frame, 9) == [Dry(1, 4, True), Dry(4, 5, False), Dry(7, 9, False)]


@pytest.mark.parametrize(
    ("name", "first"),
    [("burn_down", ["Tue 3 Mar", "Fri 6 Mar"]), ("thresholds", ["Mon 2 Mar", "Wed 4 Mar"])],
)
def test_a_zone_moves_the_dates_and_is_named(run: Run, name: str, first: list[str]) -> None:
    """The data stay where they are; midnight is elsewhere."""
    utc, jakarta = (PICTURES[name](run, zone=zone) for zone in ("UTC", "Asia/Jakarta"))

    assert utc.get_xlabel() == "2026, times in UTC"
    assert jakarta.get_xlabel() == "2026, times in Asia/Jakarta (UTC+07:00)"
    for one, other in zip(utc.lines, jakarta.lines, strict=True):
        np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())
    assert ticks(utc)[:2] == first
    assert set(np.round(np.mod(utc.get_xticks(), 1), 6)) == {0.0}
    assert set(np.round(np.mod(jakarta.get_xticks(), 1), 6)) == {round(17 / 24, 6)}


@pytest.mark.parametrize(
    ("length", "label"),
    [(1, "08:00"), (2, "Tue 3 Mar"), (9, "Thu 5 Mar"), (30, "Mon 9 Mar"), (200, "1 May")],
)
def test_dates_suit_the_length_of_the_period(length: int, label: str) -> None:
    times = pd.date_range("2026-03-02", periods=length * 4 + 1, freq="6h", tz="UTC")
    frame = pd.DataFrame({"at": times, "country": "ID", "left": range(len(times)), "event": ""})
    found = ticks(plots.burn_down(frame))
    assert label in found
    assert 3 <= len(found) <= 10


def test_a_zone_nobody_knows_is_refused(run: Run) -> None:
    with pytest.raises(KeyError, match="Mars/Olympus"):
        plots.burn_down(run, zone="Mars/Olympus")


def test_latency_is_the_curve(run: Run) -> None:
    curve = latency_curve(run)
    ax = plots.latency(run)

    told = report.delivery(run).set_index("country")
    for line, (country, own) in zip(_curves(ax), curve.groupby("country"), strict=True):
        expected = np.stack([own["latency_s"], 100 * own["share"]], axis=1)
        np.testing.assert_array_equal(line.get_xydata(), expected)
        assert line.get_label().startswith(f"{country}:  median ")
    at = marked(ax, "o")
    np.testing.assert_allclose(at[:, 0], told["latency_p95_s"], rtol=1e-9)
    assert (at[:, 1] == 95).all()
    assert len(ax.collections) == 2, "a band each"
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_xticklabels()] == [
        *("1 s", "10 s", "30 s", "3 min", "1 h", "1 day")
    ]
    assert ax.get_title(loc="left").startswith("95% arrive within ")


def _curves(ax: Axes) -> list[Any]:
    return [line for line in ax.lines if not str(line.get_label()).startswith("_")]


@pytest.mark.parametrize(("by", "names"), [("type", ["otp"]), ((), ["all"])])
def test_latency_by_other_groups(run: Run, by: Any, names: list[str]) -> None:
    ax = plots.latency(run, by=by)
    assert [line.get_label().split(":")[0] for line in _curves(ax)] == names


def test_latency_tells_six_groups_apart_and_shows_the_rest(run: Run) -> None:
    curve = latency_curve(run, ())
    many = [curve.assign(at_risk=n * curve["at_risk"]) for n in range(1, 9)]
    frame = pd.concat(many, keys=[f"C{n}" for n in range(1, 9)], names=["country"])
    ax = plots.latency(frame.reset_index(level="country").reset_index(drop=True))

    assert [line.get_label().split(":")[0] for line in _curves(ax)] == [
        f"C{n}" for n in range(3, 9)
    ]
    assert ax.get_legend().get_title().get_text() == "2 more in grey, with fewer messages"


@pytest.mark.parametrize("period", ["day", "month"])
def test_thresholds_is_the_report(run: Run, period: str) -> None:
    usage, table = (
        frame[frame["period"] == period]
        for frame in (report.threshold_usage(run), report.thresholds(run))
    )
    ax = plots.thresholds(run, period=period)

    stairs = ax.lines[0].get_xydata()
    kept = {tuple(row) for row in np.round(stairs, 9).tolist()}
    assert {
        (round(x, 9), float(y)) for x, y in zip(days(usage["at"]), usage["used"], strict=True)
    } <= kept
    assert {(round(x, 9), 0.0) for x in days(usage["start"].unique())} <= kept
    for value, marker in (("alarm", "^"), ("limit", "X")):
        crossed = table[table[f"{value}_at"].notna()]
        if len(crossed):
            x, y = marked(ax, marker).T
            np.testing.assert_allclose(x, days(crossed[f"{value}_at"]))
            assert y.tolist() == crossed[value].tolist()
        assert f"{value}\n{table[value].iloc[-1]:,}" in words(ax)
    assert ax.get_ylabel() == f"messages since the {period} began"


def test_thresholds_shades_what_the_limit_stopped(run: Run) -> None:
    table = report.thresholds(run)
    tripped = table[table["limit_at"].notna()]
    assert len(tripped) > 3
    ax = plots.thresholds(run)

    spans = [patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches]
    np.testing.assert_allclose([span.x0 for span in spans], days(tripped["limit_at"]))
    lengths = [24 * (span.x1 - span.x0) for span in spans]
    np.testing.assert_allclose(lengths, tripped["suspended_h"], atol=1e-6)
    assert legend(ax).count("daily limit stops sending") == 1
    assert f"The daily limit trips {len(tripped)} times" in ax.get_title(loc="left")


def test_a_limit_far_above_the_use_is_named_and_left_out() -> None:
    far = {"daily_alarm": 600, "daily_limit": 90_000, "monthly_limit": 100_000}
    quota = {"daily_limit": 90_000, "monthly_limit": 900_000}
    ax = plots.thresholds(simulate(scenario(thresholds=far, quota=quota), rows=False))

    assert ax.get_ylim()[1] < 3_000
    assert "limit\n90,000,\nfar above" in words(ax)
    assert ax.get_title(loc="left").startswith("The daily limit never trips: at most ")


def test_thresholds_take_the_frames_of_both_reports(run: Run) -> None:
    frame, usage = report.thresholds(run), report.threshold_usage(run)
    by_frames, by_record = plots.thresholds(frame, usage=usage), plots.thresholds(run)
    assert by_frames.get_title(loc="left") == by_record.get_title(loc="left")
    assert by_frames.get_xlim() == by_record.get_xlim()
    for one, other in zip(by_frames.lines, by_record.lines, strict=True):
        np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())
    with pytest.raises(ValueError, match=r"usage\(=None\) must be a frame"):
        plots.thresholds(frame)


def test_thresholds_of_no_period_are_refused(run: Run) -> None:
    with pytest.raises(ValueError, match=r"period\(='week'\) must be one of day, month"):
        plots.thresholds(run, period="week")


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_sent_is_a_picture_too(name: str) -> None:
    ax = PICTURES[name](simulate(scenario(traffic=[], packages=[]), rows=False))
    ax.figure.canvas.draw()
    assert ax.get_title(loc="left")
