"""A review desk of finitely many reviewers: who waits, who is next (DOMAIN.md section 4).

Which review begins when still depends on the submissions and their marks alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from smssim.simulation.setup.review import Decision, ReviewDesk
from smssim.workdays import add_working, review_window


class _Waiting(NamedTuple):
    """A submission that waits: by its moment, then by the place of its template in the file."""

    submitted_us: int
    place: int
    attempt: int


def reviewed_by_few(
    desk: ReviewDesk,
    templates: Sequence[str],
    submitted_us: Mapping[str, int],
    urged_us: Mapping[str, int],
    until_us: int,
) -> list[list[Decision]]:
    """The course of every template, in the order of *templates*; those that are not handed in
    before *until_us* have none.
    """
    assert desk.rules.reviewers is not None
    waiting = [
        _Waiting(submitted_us[name], place, 1)
        for place, name in enumerate(templates)
        if submitted_us.get(name, until_us) < until_us
    ]
    heapq.heapify(waiting)
    free_us = [waiting[0].submitted_us if waiting else 0] * desk.rules.reviewers
    urged = {place: urged_us[name] for place, name in enumerate(templates) if name in urged_us}
    found: list[list[Decision]] = [[] for _ in templates]
    while waiting:
        _, now_us = review_window(max(free_us[0], waiting[0].submitted_us), desk.calendar)
        own = _next(waiting, urged, now_us)
        name = templates[own.place]
        handling = desk.delay("handling", name, own.attempt)
        reviewed_us = add_working(now_us, handling, desk.calendar)
        heapq.heapreplace(free_us, reviewed_us)
        decision = desk.reviewed(name, own.attempt, own.submitted_us, reviewed_us)
        found[own.place].append(decision)
        again_us = until_us if decision.approved else desk.handed_in_again_us(decision)
        if again_us < until_us:
            heapq.heappush(waiting, _Waiting(again_us, own.place, own.attempt + 1))
    return found


def _next(waiting: list[_Waiting], urged: Mapping[int, int], now_us: int) -> _Waiting:
    """Take the submission whose review begins now: an urged one, or the first that came."""
    first = [
        one
        for one in waiting
        if one.place in urged and one.submitted_us <= urged[one.place] <= now_us
    ]
    if not first:
        return heapq.heappop(waiting)
    waiting.remove(min(first))
    heapq.heapify(waiting)
    return min(first)
