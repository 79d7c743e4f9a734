"""Finished messages as columns: charges, times of sending, and outcomes by the end of the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.commit import Straddling
from smssim.simulation.compiled import DELIVERED, WITHDRAWN, CompiledScenario
from smssim.simulation.window import MessageBatch, MessageWindow

__all__ = ["FinishedMessages", "finish"]


@dataclass
class FinishedMessages:
    """Messages in their order; times in microseconds, NEVER for what did not happen before the end
    of the run.
    """

    submitted_us: Ints
    cls: Ints
    request: Ints
    recipient: NDArray[np.int32]
    generation: NDArray[np.int8]
    segments: NDArray[np.uint8]
    outcome_code: NDArray[np.uint8]
    stage: NDArray[np.int8]
    left_us: Ints
    """When each left the queue, were it sent, or was withdrawn."""
    final_us: Ints
    covered: NDArray[np.uint8]
    package: NDArray[np.int16]
    cost_micro: Ints
    in_flight: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.submitted_us)

    def sent_us(self, end_us: int) -> Ints:
        """When each was sent before *end_us*: tallies do not ask."""
        return np.where((self.stage == 0) & (self.left_us < end_us), self.left_us, NEVER)


def finish(
    compiled: CompiledScenario, window: MessageWindow, straddling: Straddling, batch: MessageBatch
) -> FinishedMessages:
    """Finish *batch*, of which every verdict is final."""
    where, message, base = batch.where, batch.message, window.base
    outcome_code, package = (
        array.reshape(-1)[where] for array in (window.outcome_code, window.package)
    )
    left_us, latency = (array.reshape(-1)[where] for array in (window.sent_us, window.latency))
    generation = batch.generation
    if generation is None:
        generation = np.zeros(len(batch), np.int8)
    end_us = compiled.scenario.end_us
    stage = compiled.outcomes.stage.take(outcome_code)
    final_us = _final_us(batch.t, outcome_code, stage, left_us, latency)
    late = final_us >= end_us
    np.copyto(final_us, NEVER, where=late)
    in_flight = late & (stage == 0)
    covered, cost = _charges(compiled, window, straddling, batch, stage, package)
    if compiled.bills_delivery:
        delivered = np.flatnonzero((outcome_code == DELIVERED) & ~late)
        price = compiled.delivery_prices.of(batch.cls[delivered], batch.t[delivered])
        cost[delivered] += price * batch.segments[delivered]
    return FinishedMessages(
        submitted_us=batch.t,
        cls=batch.cls,
        request=base.request[message],
        recipient=base.recipient[message],
        generation=generation,
        segments=batch.segments,
        outcome_code=outcome_code,
        stage=stage,
        left_us=left_us,
        final_us=final_us,
        covered=covered,
        package=package,
        cost_micro=cost,
        in_flight=in_flight,
    )


def _final_us(
    t: Ints, outcome_code: NDArray[np.uint8], stage: NDArray[np.int8], left_us: Ints, latency: Ints
) -> Ints:
    """When each has its final status."""
    final_us = left_us + latency
    refused = np.flatnonzero(stage)
    platform_refused = stage[refused] == 3
    withdrawn = outcome_code[refused] == WITHDRAWN
    final_us[refused] = np.where(
        withdrawn, left_us[refused], np.where(platform_refused, t[refused], NEVER)
    )
    return final_us


def _charges(
    compiled: CompiledScenario,
    window: MessageWindow,
    straddling: Straddling,
    batch: MessageBatch,
    stage: NDArray[np.int8],
    package: NDArray[np.int16],
) -> tuple[NDArray[np.uint8], Ints]:
    """Segments covered by packages, and the pay-per-use charge."""
    sent = stage == 0
    covered = batch.segments * ((package >= 0) & sent)
    cost = compiled.prices.of(batch.cls, batch.t)
    cost *= batch.segments * sent - covered
    if straddling.covered:
        keys = window.keys(batch)
        for row in np.flatnonzero(
            np.isin(keys, np.fromiter(straddling.covered, np.int64))
        ).tolist():
            key = int(keys[row])
            covered[row] = straddling.covered.pop(key)
            cost[row] = straddling.cost_micro.pop(key)
            straddling.parts.pop(key, None)
    return covered, cost
