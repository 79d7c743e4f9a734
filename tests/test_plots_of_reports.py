"""Bars, tiles, lanes and points are where the frame of their report says, and titles answer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from picture_records import record

from smssim import plots, report
from smssim.workdays import WorkCalendar

AMOUNT: Any = import_module("smssim.plots.cost").amount
CLOSED: Any = import_module("smssim.plots.review").closed
SHOWN: Any = import_module("smssim.plots.heat_map")
DRAWN: Any = import_module("smssim.plots.compare").drawn
RUNS_OUT: Any = import_module("smssim.plots.ahead").runs_out


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    mpl.use("agg")
    yield
    plt.close("all")


def title(ax: Axes) -> str:
    return " ".join(ax.get_title(loc="left").split())


def names(ax: Axes) -> list[str]:
    """What stands at the y axis."""
    return [label.get_text() for label in ax.get_yticklabels()]


def boxes(ax: Axes) -> np.ndarray[Any, Any]:
    """Left, bottom, width and height of every bar, in the order of drawing."""
    found = [bar for bar in ax.patches if isinstance(bar, Rectangle)]
    return np.array([[b.get_x(), b.get_y(), b.get_width(), b.get_height()] for b in found])


def days(times: Any) -> np.ndarray[Any, Any]:
    """Moments as matplotlib counts them: days since 1970, UTC."""
    epoch = pd.Timestamp(0, unit="s", tz="UTC")
    return ((pd.Series(list(times)) - epoch) / pd.Timedelta(days=1)).to_numpy(float)


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("of", ["launch", "40 countries", "arrears"])
def test_bars_of_cost_are_the_bill(of: str) -> None:
    frame = report.cost(record(of), by="country")
    table = frame.pivot_table("cost_micro", "country", "entry", "sum", fill_value=0) / 1e6
    table = table.astype(float).reindex(columns=["package", "pay_per_use"], fill_value=0.0)
    order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index[:15]

    ax = plots.cost(record(of))

    assert names(ax) == list(order)
    drawn = boxes(ax).reshape(2, len(order), 4)
    np.testing.assert_allclose(drawn[:, :, 2], table.loc[order].to_numpy().T)
    np.testing.assert_allclose(drawn[1, :, 0], table.loc[order, "package"])
    assert title(ax).startswith(f"{AMOUNT(table.to_numpy().sum())} USD")
    if len(table) > 15:
        left_out = table.drop(order).to_numpy().sum()
        assert words(ax)[-1] == f"Cost by country; 25 more cost {left_out:,.0f} USD together"


def test_cost_takes_a_frame_of_other_groups_and_adds_copies_up() -> None:
    frame = report.cost(record("resend"), by=["type", "copy"])
    ax = plots.cost(frame)
    assert names(ax) == ["otp"]
    total = frame["cost_micro"].sum() / 1e6
    assert boxes(ax)[:, 2].sum() == pytest.approx(total)
    assert title(ax) == f"{total:,.0f} USD, all of it pay-per-use for otp"


def test_cost_of_a_log_is_not_known() -> None:
    ax = plots.cost(record("console"))
    sent = int(report.cost(record("console"), by=())["messages"].sum())
    assert title(ax) == "The cost is not known"
    assert any(f"{sent:,} messages have no price" in told for told in words(ax))


@pytest.mark.parametrize("figure", ["cost", "billed", "messages", "segments"])
def test_the_month_so_far_and_its_projection_are_the_report(figure: str) -> None:
    run = record("pumping")
    frame = report.month_by_day(run)
    rows = frame[frame["figure"] == figure]
    ax = plots.cost_by_day(run, figure=figure)

    lines = {str(line.get_label()): line.get_xydata() for line in ax.lines}
    seen, ahead = rows[rows["so_far"].notna()], rows[rows["month"].notna()]
    np.testing.assert_allclose(lines["so far"][1:, 0], days(seen["at"]))
    np.testing.assert_allclose(lines["so far"][1:, 1], seen["so_far"])
    np.testing.assert_allclose(lines["_ahead"][:, 0], days(ahead["at"]))
    np.testing.assert_allclose(lines["_ahead"][:, 1], ahead["month"])
    band = ax.collections[-1].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(ahead["month_high"].max())
    assert band[:, 1].min() == pytest.approx(ahead["month_low"].min())
    whole = report.projection(run).set_index("figure").loc[figure]
    for name in ("so_far", "month", "month_low", "month_high"):
        assert AMOUNT(whole[name]) in title(ax)


def test_a_month_that_is_over_has_no_projection() -> None:
    ax = plots.cost_by_day(record("launch"))
    total = report.cost(record("launch"), by=())["cost_micro"].sum() / 1e6
    assert title(ax) == f"{total:,.0f} USD in November 2026"
    assert "record ends" not in words(ax)
    with pytest.raises(ValueError, match=r"figure\(='euros'\) must be one of cost"):
        plots.cost_by_day(record("launch"), figure="euros")


@pytest.mark.parametrize("of", ["from_zero", "launch", "console", "one message"])
def test_the_waterfall_is_the_delivery(of: str) -> None:
    counts = report.delivery(record(of), by=()).iloc[0]
    ax = plots.waterfall(record(of))

    labels = [label.get_text().replace("\n", " ") for label in ax.get_xticklabels()]
    drawn = boxes(ax)
    found = dict(zip(labels, drawn[:, 3], strict=True))
    assert found["requested"] == counts["requested"]
    assert found["sent"] == counts["sent"]
    assert found["delivered"] == counts["delivered"]
    columns = {
        "refused: request": "refused_request",
        "refused: number": "refused_number",
        "refused by platform": "refused_platform",
        "failed": "failed",
        "expired": "expired",
        "in flight": "in_flight",
        "no report": "no_report",
    }
    for name, column in columns.items():
        assert found.get(name, 0) == counts[column]
    # Each step hangs where the one before it ended, down to what was delivered.
    tops, bottoms = drawn[:, 1] + drawn[:, 3], drawn[:, 1]
    sent = labels.index("sent")
    for first, last in ((0, sent), (sent, len(labels) - 1)):
        assert (tops[first + 2 : last] == bottoms[first + 1 : last - 1]).all()
        assert (bottoms[last - 1] or tops[last - 1]) == drawn[last, 3]
    if counts["requested"] > 1:
        reached = counts["delivered"] / counts["requested"]
        assert title(ax).startswith(
            f"{100 * reached:.1f} % of {int(counts['requested']):,} messages"
        )


@pytest.mark.parametrize("of", ["from_zero", "console", "launch"])
def test_bars_of_failures_and_their_intervals_are_the_report(of: str) -> None:
    frame = report.failures(record(of))
    ax = plots.failures(record(of))

    drawn = boxes(ax)
    np.testing.assert_allclose(drawn[:, 2], 100 * frame["share"][:15])
    (intervals,) = ax.collections
    ends = np.array([path.vertices[:, 0] for path in intervals.get_paths()])
    np.testing.assert_allclose(ends, 100 * frame[["share_low", "share_high"]][:15])
    assert [told.split()[0] for told in names(ax)] == list(frame["code"][:15])
    most = frame.groupby("code")["messages"].sum().idxmax()
    assert title(ax).startswith(f"{100 * frame['share'].sum():.1f} % of messages do not arrive")
    assert f"most frequent: {most}" in title(ax)


def test_failures_by_country_name_both() -> None:
    frame = report.failures(record("launch"), by="country")
    ax = plots.failures(frame)
    assert "ID E000623" in names(ax)
    assert title(ax).startswith(f"{frame['messages'].sum():,} messages do not arrive")


@pytest.mark.parametrize("measure", ["messages", "not_delivered", "refused"])
def test_tiles_are_the_hours_of_the_week(measure: str) -> None:
    frame = report.heat_map(record("from_zero"), "Asia/Kolkata")
    ax = plots.heat_map(record("from_zero"), measure=measure, zone="Asia/Kolkata")
    what = SHOWN.MEASURES[measure]
    expected = frame[what.column].to_numpy(float)
    if what.of:
        few = (frame[list(what.of)].sum(axis=1) < SHOWN.FEW).to_numpy()
        expected = np.where(few, np.nan, expected)

    tiles = np.ma.filled(ax.collections[0].get_array(), np.nan).ravel()
    np.testing.assert_allclose(tiles, expected)
    frames = [p for p in ax.patches if isinstance(p, Rectangle) and not p.get_fill()]
    hatched = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_hatch()]
    assert len(hatched) == np.isnan(expected).sum()
    low = frame[what.column.replace("_share", "_low")] if what.of else frame[what.column]
    best = int(np.nanargmax(np.where(np.isnan(expected), np.nan, low)))
    (tile,) = frames
    assert (tile.get_y(), tile.get_x()) == divmod(best, 24)
    assert f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[best // 24]} {best % 24:02}:00" in (
        title(ax)
    )
    again = plots.heat_map(frame, measure=measure, zone="Asia/Kolkata")
    assert title(again) == title(ax)


def test_classes_of_a_heat_map_hold_every_value() -> None:
    """A single hour far above the others gets the last class for itself."""
    quiet = np.linspace(3, 40, 168)
    levels = SHOWN.classes(quiet)
    assert levels[0] == 0
    assert levels[-1] >= quiet.max()
    assert 4 <= len(levels) <= 9
    loud = np.append(quiet[:-1], 5_000.0)
    levels = SHOWN.classes(loud)
    assert levels[-1] == 5_000
    assert levels[-2] < 100
    with pytest.raises(ValueError, match=r"measure\(='money'\) must be one of messages"):
        plots.heat_map(record("launch"), measure="money")


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
    frame, gaps = report.received(record(of)), report.outages(record(of))
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
    assert title(ax).startswith(f"Of {made:,} status reports ")
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
    frame = report.run_down(run)
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
