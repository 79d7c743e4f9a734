"""The small tables of a run: events, ledger, reviews, packages, group tasks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.model.account import Account
from smssim.model.courses import Courses
from smssim.model.review import Decision
from smssim.tables import EVENTS, LEDGER, ONBOARDING, PACKAGES, REVIEWS, TASKS, TIME, Column

if TYPE_CHECKING:
    import pandas as pd

_NAT = np.iinfo(np.int64).min


def small_frames(
    account: Account, courses: Courses, tasks: list[tuple[Any, ...]]
) -> dict[str, pd.DataFrame]:
    """The frames of one account by their names in `Record`; *tasks* are the rows of theirs."""
    end_us = account.scenario.end_us
    reviews = [_review(decision, end_us) for course in courses.reviews for decision in course]
    packages = [
        (
            p.id,
            p.country,
            p.segments,
            p.price_micro,
            p.in_force_us,
            p.ends_us,
            p.used,
            p.expired,
            p.left,
        )
        for p in account.packages
    ]
    return {
        "events": frame(EVENTS, account.happenings),
        "ledger": frame(LEDGER, account.ledger),
        "reviews": frame(REVIEWS, reviews),
        "packages": frame(PACKAGES, packages),
        "onboarding": frame(ONBOARDING, courses.rows(end_us)),
        "tasks": frame(TASKS, tasks),
    }


def _review(decision: Decision, end_us: int) -> tuple[Any, ...]:
    decided = decision.decided_us < end_us
    usable = decision.approved and decision.usable_us < end_us
    return (
        decision.template,
        decision.attempt,
        decision.submitted_us,
        decision.decided_us if decided else None,
        ("approved" if decision.approved else "rejected") if decided else None,
        decision.usable_us if usable else None,
    )


def frame(columns: tuple[Column, ...], rows: list[Any]) -> pd.DataFrame:
    """A frame of plain tuples: microseconds as UTC times, None as NA."""
    return _frame(columns, rows) if rows else _empty(columns).copy()


@lru_cache(maxsize=16)
def _empty(columns: tuple[Column, ...]) -> pd.DataFrame:
    # Most runs have some tables without a row, and making them takes milliseconds.
    return _frame(columns, [])


def _frame(columns: tuple[Column, ...], rows: list[Any]) -> pd.DataFrame:
    import pandas as pd

    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    # Arrays, not Series: those would all be aligned, column by column.
    return pd.DataFrame(
        {c.name: _array(c.dtype, list(own)) for c, own in zip(columns, values, strict=True)},
        copy=False,
    )


def _array(dtype: str, values: list[Any]) -> Any:
    """A column of a table as pandas keeps it."""
    import pandas as pd

    if dtype == TIME:
        us = np.array([_NAT if value is None else value for value in values], np.int64)
        return pd.DatetimeIndex(us.view("datetime64[us]"), tz="UTC").array
    if dtype == "Int64":
        known = np.array([0 if value is None else value for value in values], np.int64)
        return pd.arrays.IntegerArray(known, np.array([value is None for value in values], bool))
    return np.array(values, np.int64) if dtype == "int64" else pd.array(values, dtype="str")
