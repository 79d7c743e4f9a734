"""The state of a run at an instant, as the opening of a scenario that continues it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from smssim.calendars import to_datetime, to_us
from smssim.record.record import Record
from smssim.scenario import InFlight, Scenario
from smssim.simulation.account.account import Account
from smssim.simulation.callbacks.batches import Batcher
from smssim.simulation.callbacks.push import Pusher, batched_applications
from smssim.simulation.compiled import UNJUDGED, WITHDRAWN
from smssim.simulation.loop import SimulationLoop
from smssim.simulation.restore import STAGES
from smssim.simulation.rules.frequency import FrequencyLimits
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["opening_at"]


def opening_at(
    run: Record | Scenario | str | Path,
    at: datetime | str,
    *,
    rng: int | None = None,
    replication: int = 0,
) -> Scenario:
    """The scenario that continues a run from *at*: simulated, it gives the rows of that run since.

    *run* is a simulated run, or a scenario with the *rng* and *replication* that it is simulated
    with. *at* is an instant of the run, UTC if it names no zone; what happens at that very instant
    is still to come. The new scenario has an `opening` and packages in force; simulate it with the
    same *rng* and *replication*. Raise a ValueError for an instant outside the run, and for a run
    with policies, whose state is in their own code.
    """
    if isinstance(run, Record):
        made = run.provenance
        if made.get("policies"):
            raise ValueError(f"policies(={made['policies']}): their state cannot be carried over")
        scenario = Scenario.parse(made["scenario"])
        rng, replication = made["rng"], made["replication"]
    else:
        scenario = run if isinstance(run, Scenario) else Scenario.load(run)
        rng = scenario.rng if rng is None else rng
        scenario = scenario.fixed(scenario.draws(rng, replication))
    if scenario.policies:
        raise ValueError("policies: their state cannot be carried over")
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    at_us = to_us(instant)
    if not scenario.begin_us <= at_us < scenario.end_us:
        raise ValueError(f"at(={at}) must be within the run")
    loop = SimulationLoop(scenario, KeyedRandom(rng, replication))
    names = batched_applications(scenario)
    batcher = Batcher(loop.compiled, Pusher(loop.compiled), names)
    if scenario.opening is not None:
        batcher.restore(scenario.opening)
    batches = batcher.so_far(loop.chunks_before(at_us), loop.committer.earliest_waiting(at_us))
    data: dict[str, Any] = scenario.model_dump(mode="json", exclude_unset=True)
    data["opening"] = {
        "at": to_datetime(at_us).isoformat(),
        **_counted(loop.account),
        **_money(loop.account),
        "waiting_s": _waits(loop.account, at_us),
        "in_flight": [
            copy.model_dump(mode="json", exclude_unset=True) for copy in _in_flight(loop, at_us)
        ],
        "undelivered": [c.model_dump(mode="json") for c in loop.committer.billing.charges()],
        "numbers": {
            name: rows
            for rule in loop.counting
            if isinstance(rule, FrequencyLimits)
            for name, rows in rule.passed(at_us).items()
        },
        "batches": {name: state.model_dump(mode="json") for name, state in batches.items()},
    }
    bought = [p for p in data.get("packages", []) if p.get("in_force") is None]
    data["packages"] = [*_packages(loop.account), *bought]
    return scenario.continued(data)


def _counted(account: Account) -> dict[str, Any]:
    """Counters of thresholds, and the notices of quota by country."""
    thresholds = account.thresholds
    countries = {
        name: {
            "suspended": quota.suspended,
            "run_out_armed": quota.seen,
            "low_quota_armed": quota.low_armed,
            **_used(thresholds.countries.get(name, {})),
        }
        for name, quota in account.countries.items()
    }
    return {
        **_used(thresholds.total),
        "mainland": _used(thresholds.mainland),
        "countries": countries,
        "suspended": account.suspended_all,
    }


def _used(counters: Any) -> dict[str, int]:
    if not counters:
        return {}
    return {"used_today": counters["day"].used, "used_this_month": counters["month"].used}


def _money(account: Account) -> dict[str, Any]:
    money: dict[str, Any] = {"accrued": account.accrued_micro / 1e6}
    if account.balance_micro is not None:
        money |= {"balance": account.balance_micro / 1e6, "frozen": account.frozen}
    return money


def _waits(account: Account, at_us: int) -> float | dict[str, float]:
    """How long queues are still busy, in seconds."""
    waits = {name: max(0, queue.free_us - at_us) / 1e6 for name, queue in account.queues.items()}
    return waits.get("", 0.0) if set(waits) <= {""} else waits


def _packages(account: Account) -> list[dict[str, Any]]:
    """All packages that there were, in the order of their ids."""
    return [
        {
            "country": package.country,
            "segments": max(1, package.segments),
            "left": package.left,
            "in_force": to_datetime(package.in_force_us).isoformat(),
            "ends": to_datetime(package.ends_us).isoformat(),
        }
        for package in account.packages
    ]


def _in_flight(loop: SimulationLoop, at_us: int) -> Iterator[InFlight]:
    """The judged copies of all messages that are not finished."""
    window, compiled = loop.window, loop.compiled
    base, outcomes, straddling = window.base, compiled.outcomes, loop.committer.straddling
    judged = window.exists & (window.t < at_us) & (window.outcome_code != UNJUDGED)
    for message in np.flatnonzero(judged.any(axis=0)).tolist():
        cls, number = int(base.cls[message]), int(base.request[message])
        for generation in np.flatnonzero(judged[:, message]).tolist():
            place = generation, message
            code, sent_us = int(window.outcome_code[place]), int(window.sent_us[place])
            stage, package = int(outcomes.stage[code]), int(window.package[place])
            copy: dict[str, Any] = {
                "source": compiled.sources[int(compiled.source[cls])].name,
                "request": number,
                "recipient": int(base.recipient[message]),
                "resend_number": generation,
                "submitted_at": to_datetime(int(window.t[place])),
                "refused_at": STAGES[stage],
                "status": outcomes.status[code],
            }
            if code == WITHDRAWN:
                copy["final_at"] = to_datetime(sent_us)
            elif stage == 0:
                copy["sent_at"] = to_datetime(sent_us)
                if package >= 0:
                    key = (message + window.dropped) * window.generations + generation
                    segments = int(window.segments[place])
                    copy["package"] = package
                    copy["covered_segments"] = straddling.covered.get(key, segments)
                    copy["cost"] = straddling.cost_micro.get(key, 0) / 1e6
                    copy["parts"] = tuple(straddling.parts.get(key, ()))
            yield InFlight(**copy)
