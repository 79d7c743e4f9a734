"""Lanes, lines and points are where the frame of their report says, and titles answer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from picture_marks import boxes, days, names, title, words
from picture_records import record

from smssim import plots, report
from smssim.workdays import WorkCalendar

CLOSED: Any = import_module("smssim.plots.review").closed
DRAWN: Any = import_module("smssim.plots.compare").drawn
RUNS_OUT: Any = import_module("smssim.plots.burn_down").runs_out


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    mpl.use("agg")
    yield
    plt.close("all")


@pytest.mark.parametrize("of", ["weekend_review", "from_zero", "launch"])
def test_lanes_of_reviews_are_the_report(of: str) -> None:
    frame = report.review(record(of))
    ax = plots.review(record(of))

    assert names(ax) == frame["template"].tolist()
    drawn = boxes(ax)[: len(frame)]
    np.testing.assert_allclose(drawn[:, 0], days(frame["submitted_at"]))
    np.testing.assert_allclose(drawn[:, 0] + drawn[:, 2], days(frame["approved_at"]))
    longest = frame.iloc[int(frame["wall_h"].argmax())]
    told = f"{longest['wall_h']:.1f} h" if longest["wall_h"] >= 2 else "min"
    assert told in title(ax)


def test_the_desk_is_closed_outside_of_its_hours() -> None:
    """Friday, 10 April 2026, 08:00 to Monday 12:00 GMT+8: nights and the weekend."""
    begins, ends = days(pd.to_datetime(["2026-04-10T00:00Z", "2026-04-13T04:00Z"]))
    spans = CLOSED(begins, ends, WorkCalendar())
    expected = ["2026-04-10T00:00Z", "2026-04-10T01:00Z", "2026-04-10T10:00Z", "2026-04-13T01:00Z"]
    np.testing.assert_allclose(np.ravel(spans), days(pd.to_datetime(expected)))


def test_lanes_of_getting_started_are_the_report() -> None:
    frame = report.onboarding(record("from_zero"))
    steps = frame[frame["step"] != "first_message"]
    ax = plots.onboarding(record("from_zero"))

    drawn = boxes(ax)
    np.testing.assert_allclose(drawn[:, 0], days(steps["began_at"]))
    np.testing.assert_allclose(drawn[:, 0] + drawn[:, 2], days(steps["done_at"]))
    assert len(names(ax)) == len(steps)
    assert names(ax)[4] == "register brand VN"
    first = frame[frame["step"] == "first_message"].iloc[0]
    assert any(np.allclose(line.get_xdata(), days([first["done_at"]])) for line in ax.lines)
    assert title(ax) == f"The first message goes out {first['hours']:.1f} h after the start"


def test_steps_that_are_not_done_last_until_the_end() -> None:
    run = record("from_zero")
    frame = report.onboarding(run)
    own = frame.copy()
    own.loc[[4, 6, 8], ["done_at", "hours"]] = [pd.NaT, np.nan]
    ax = plots.onboarding(own)
    end = max(own["began_at"].max(), own["done_at"].max())
    drawn = boxes(ax)
    np.testing.assert_allclose((drawn[:, 0] + drawn[:, 2])[[4, 6, 8]], days([end] * 3))
    assert sum("not done after" in told for told in words(ax)) == 3


@pytest.mark.parametrize("of", ["callback_outages", "capture"])
def test_reports_by_hour_and_outages_are_the_report(of: str) -> None:
    frame, gaps = report.reports_by_hour(record(of)), report.outages(record(of))
    ax = plots.callbacks(record(of))

    line = next(line for line in ax.lines if line.get_label() == "received").get_xydata()
    np.testing.assert_allclose(line[:-1, 0], days(frame["hour"]))
    np.testing.assert_array_equal(line[:-1, 1], frame["received"])
    spans = [patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches]
    np.testing.assert_allclose([span.x0 for span in spans], days(gaps["begins"]))
    np.testing.assert_allclose([span.x1 for span in spans], days(gaps["ends"]))
    often = "once" if len(gaps) == 1 else f"{len(gaps)} times"
    assert title(ax).startswith(f"Our server was away {often}, for ")
    assert title(plots.callbacks(frame, outages=gaps)) == title(ax)


def test_callbacks_without_rows_say_so_and_what_is_known() -> None:
    own = report.callbacks(record("launch")).iloc[0].astype(object)
    made, lost = int(own["reports"]), int(own["lost"])
    ax = plots.callbacks(record("launch"))
    assert title(ax).startswith(f"Of {made:,} delivery reports ")
    assert title(ax).endswith(f"{lost:,} lost")
    assert "Not known by hour: the rows of this record were not kept." in words(ax)


def test_points_of_a_comparison_are_the_report() -> None:
    a, b = record("mode1_no_run_out"), record("mode2_run_out")
    frame = report.compare(a, b)
    ax = plots.compare(a, b)

    rows = DRAWN(frame)
    shown = rows["name"] + (" " + rows["of"]).where(rows["of"] != "", "")
    assert names(ax) == shown.tolist()
    points = [line for line in ax.lines if line.get_marker() in "osD<>"]
    edge = ax.get_xlim()[1]
    expected = 100 * rows["difference"] / rows["a"].abs().replace(0, 1e-12)
    x = np.concatenate([line.get_xdata() for line in points])
    np.testing.assert_allclose(x, expected.clip(-edge, edge))
    bars = {
        line.get_ydata()[0]: line.get_xdata()
        for line in ax.lines
        if len(line.get_xdata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]
    }
    for place, row in enumerate(rows.itertuples()):
        if row.a and not np.isnan(row.difference_low):
            ends = np.array([row.difference_low, row.difference_high]) / abs(row.a)
            np.testing.assert_allclose(bars[place], np.clip(100 * ends, -edge, edge))
    better = frame["better"].value_counts()
    assert title(ax).endswith(f"better in {better['b']} figure, mode 1 no run-out in {better['a']}")
    assert names(plots.compare(frame)) == names(ax)


def test_what_is_surely_better_is_never_left_out() -> None:
    frame = report.compare(record("capture"), record("resend"))
    sure = frame[frame["better"] != ""]
    assert set(sure["name"]) <= set(DRAWN(frame)["name"])
    assert len(DRAWN(frame)) <= 16
    with pytest.raises(ValueError, match=r"b\(=None\) must be a record"):
        plots.compare(record("capture"))


def test_what_is_left_of_packages_runs_down_as_projected() -> None:
    run = record("40 countries")
    frame = report.package_forecast(run)
    ax = plots.burn_down(run)
    ahead = [line.get_xydata() for line in ax.lines if line.get_label() == "_ahead"]
    assert len(ahead) == frame["country"].nunique() > 0
    for line, (_, own) in zip(ahead, frame.groupby("country"), strict=True):
        own = own[days(own["at"]) <= ax.get_xlim()[1] + 1e-9]
        np.testing.assert_allclose(line, np.stack([days(own["at"]), own["left"]], axis=1))


def test_nothing_runs_out_when_it_expires_before() -> None:
    at = pd.to_datetime([f"2026-03-0{day}T00:00Z" for day in (1, 2, 3, 3)])
    used = pd.DataFrame({"at": at[:3], "left": [5.0, 2.0, 0.0]})
    expired = pd.DataFrame({"at": at, "left": [9.0, 6.0, 3.0, 0.0]})
    assert RUNS_OUT(used, "left") == at[2]
    assert RUNS_OUT(expired, "left") is None
    assert RUNS_OUT(used.iloc[:2], "left") is None
