"""Bars and tiles are what the frame of their report says, and titles answer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from picture_marks import boxes, days, names, title, words
from picture_records import record

from smssim import plots, report

AMOUNT: Any = import_module("smssim.plots.cost").amount
SHOWN: Any = import_module("smssim.plots.heat_map")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    mpl.use("agg")
    yield
    plt.close("all")


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
    frame = report.cost(record("resend"), by=["type", "resend_kind"])
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
    # Purchases are steps at the beginning of their day, so each day has two points.
    each = lines["to date"][2::2] if figure == "cost" else lines["to date"][1:]
    np.testing.assert_allclose(each[:, 0], days(seen["at"]))
    np.testing.assert_allclose(each[:, 1], seen["so_far"])
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
        "rejected at API": "refused_request",
        "number rejected": "refused_number",
        "rejected by platform": "refused_platform",
        "failed": "failed",
        "expired": "expired",
        "pending": "in_flight",
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
            f"{100 * reached:.1f}% of {int(counts['requested']):,} messages"
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
    assert title(ax).startswith(f"{100 * frame['share'].sum():.1f}% of messages do not arrive")
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
