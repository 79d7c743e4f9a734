"""The small tables of a run: events, ledger, reviews, packages, group tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smssim.record.schema import EVENTS, LEDGER, ONBOARDING, PACKAGES, REVIEWS, TASKS, frame
from smssim.simulation.account.account import Account
from smssim.simulation.setup.courses import Courses
from smssim.simulation.setup.review import Decision

if TYPE_CHECKING:
    import pandas as pd


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
