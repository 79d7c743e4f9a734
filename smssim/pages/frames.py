"""The frames of a page where a report has rows that no page needs, or no rows but an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim import report
from smssim.formatting import Grid
from smssim.pages.parts import Frame
from smssim.record.record import Record
from smssim.report import sections
from smssim.report._record import priced
from smssim.report.callbacks import received
from smssim.report.latency import untimed
from smssim.report.outages import untold

if TYPE_CHECKING:
    import pandas as pd


def bill(record: Record, most: int) -> Grid:
    """The bill where there is money."""
    return sections.bill(record, most) if priced(record) else Grid([], [], "")


def started(record: Record, most: int) -> Grid:
    """The way to the first message."""
    return sections.getting_started(record)


def if_priced(frame: Frame) -> Frame:
    """The frame where there is money, else without rows."""
    return lambda record: frame(record) if priced(record) else frame(record).head(0)


def if_timed(frame: Frame) -> Frame:
    """The frame where every delivery has its time, else one without rows."""
    return lambda record: record.tallies.latency.head(0) if untimed(record) else frame(record)


def pushed(record: Record) -> pd.DataFrame:
    """The status reports, if any were made or received."""
    found = report.callbacks(record)
    return found[found["reports"].fillna(found["received"]) > 0]


def outages(record: Record) -> pd.DataFrame:
    """The outages of the customer's own server where arrivals tell of them."""
    return report.callbacks(record).head(0) if untold(record) else report.outages(record)


def by_hour(record: Record) -> pd.DataFrame:
    """Status reports by hour, where arrivals are known and there are any."""
    return outages(record) if untold(record) or pushed(record).empty else received(record)


def failures(record: Record) -> pd.DataFrame:
    """Why messages failed, with the place in words: one code may stand at two places."""
    found = report.failures(record)
    return found.assign(place=found["place"].map(dict(enumerate(sections.PLACES))).astype("str"))


def beside(record: Record) -> pd.DataFrame:
    """Simulated figures and closed forms, with the interval under its figure's name."""
    ends = {"low": "simulated_low", "high": "simulated_high"}
    return report.theory_beside(record).rename(columns=ends)


def wasted(record: Record) -> pd.DataFrame:
    """Kinds that are known, and are there."""
    found = report.waste(record)
    return found[found["messages"].fillna(0) > 0]


def ahead(record: Record) -> pd.DataFrame:
    """Figures of a month that has days left, or of which the reason is known why they have none."""
    found = report.projection(record)
    return found[(found["days_left"] > 0) & found["so_far"].notna()]


def steps(record: Record) -> pd.DataFrame:
    """The steps where there is more than the review of templates."""
    found = report.onboarding(record)
    only = found["step"].isin(["template", "first_message"]).all()
    return found.head(0) if only else found
