"""Simulating: a scenario in, a `Run` out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smssim.engine.clock import Clock, Tuning
from smssim.engine.frames import FrameSink
from smssim.engine.push import Pusher
from smssim.marks import Marks
from smssim.model.policies import Policy
from smssim.record import Record
from smssim.scenario import Scenario
from smssim.tally import Tallies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Run(Record):
    """A simulated Record."""


def simulate(
    scenario: Scenario | str | Path,
    *,
    rng: int = 1,
    policies: Sequence[Policy] = (),
    tuning: Tuning | None = None,
) -> Run:
    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(scenario)
    clock = Clock(scenario, Marks(rng), policies, tuning)
    pusher, sink = Pusher(clock.world), FrameSink(clock.world)
    for rows in clock.chunks():
        sink.add(rows, pusher.push(rows))
    messages, reports = sink.frames(len(clock.account.packages))
    return Run(
        name=scenario.name, observed_from=scenario.start_us, observed_until=scenario.end_us, currency=scenario.currency,
        tallies=Tallies(), messages=messages, reports=reports, **_small_frames(clock),
    )


def _small_frames(clock: Clock) -> dict[str, Any]:
    from smssim.engine.small import small_frames
    return small_frames(clock.account, clock.courses)
