"""How fast the engine is, in units of one bare SimPy timeout measured in the same rounds; prints
JSON.

Run `python tests/benchmarks/engine.py --json [--rounds N]`. One process, interleaved rounds,
medians of CPU time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import simpy

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from identity import NAMES, assert_same_rows, tables

from smssim.scenario import Scenario
from smssim.simpy_model import SimpyModel
from smssim.simulation.simulate import Run, simulate
from smssim.stats.keyed_random import KeyedRandom, mix64_array

TIMEOUTS = 200_000
ORACLE_MESSAGES = 50_000


def launch() -> Scenario:
    """The launch month without resend."""
    scenario = Scenario.load(HERE.parent.parent / "data/scenarios/launch.yaml")
    resends = [i for i, traffic in enumerate(scenario.traffic) if traffic.resend]
    return scenario.change(**{f"traffic.{i}.resend": None for i in resends})


def all_rules() -> Scenario:
    """A month with every rule on."""
    return Scenario.load(HERE / "all_rules.yaml")


def stop_the_pump(env: simpy.Environment, account: Any) -> Iterator[Any]:
    """Half an hour after the first monthly alarm somebody stops the attack."""
    happening = yield account.wait("alarm")
    while happening.subject != "month":
        happening = yield account.wait("alarm")
    yield env.timeout(1_800_000_000)
    account.stop_source("pumped")


def buy_when_out(env: simpy.Environment, account: Any) -> Iterator[Any]:
    """An hour after each suspension somebody buys another package, and tops up when frozen."""
    while True:
        happening = yield account.wait("suspended") | account.wait("frozen")
        yield env.timeout(3_600_000_000)
        if account.frozen:
            account.top_up(5_000)
        else:
            subject = next(iter(happening.values())).subject
            account.buy_package(subject, 60_000, 100, valid_days=5)


def watch(env: simpy.Environment, account: Any) -> Iterator[Any]:
    """Somebody looks at the console every quarter of an hour and does nothing about it."""
    while True:
        yield env.timeout(900_000_000)
        account.used("day")


POLICIES = (stop_the_pump, buy_when_out, watch)


def timeouts() -> int:
    """The unit: bare SimPy timeouts, one after another."""

    def ticking(env: simpy.Environment) -> Iterator[Any]:
        for _ in range(TIMEOUTS):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(ticking(env))
    env.run()
    return TIMEOUTS


def floor(n: int) -> int:
    """Draw as many words as a month takes and write the same columns, and nothing else."""
    for _ in range(4):
        mix64_array(np.arange(n, dtype=np.uint64))
    for dtype, columns in ((np.int64, 5), (np.int32, 2), (np.int16, 1), (np.int8, 11)):
        for _ in range(columns):
            np.empty(n, dtype).fill(1)
    return n


def messages_of(run: Run) -> int:
    """How many messages a run judged."""
    return int(run.tallies.money["messages"].sum())


def measured(jobs: dict[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """CPU nanoseconds an item of each job, medians over interleaved rounds after one that does not
    count.
    """
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            begin = time.process_time()
            n = job()
            if turn:
                times[name].append((time.process_time() - begin) / n * 1e9)
    return {name: statistics.median(values) for name, values in times.items()}


def peak_bytes(job: Callable[[], int]) -> float:
    """Bytes a message that were allocated at the worst moment."""
    tracemalloc.start()
    n = job()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / n


def first_days(scenario: Scenario, messages: int) -> Scenario:
    """The beginning of a scenario, with so many messages at least; the rest is left out."""
    for days in range(1, scenario.days):
        end = scenario.start + timedelta(days=days)
        cut = scenario.model_dump(exclude_unset=True) | {"days": days}
        cut["traffic"] = [t for t in cut["traffic"] if t.get("starts", scenario.start) < end]
        for traffic in cut["traffic"]:
            if traffic.get("ends", end) > end:
                del traffic["ends"]
        cut["group_tasks"] = [task for task in cut["group_tasks"] if task["at"] < end]
        beginning = Scenario.model_validate(cut)
        if messages_of(simulate(beginning, policies=POLICIES, rows=False)) >= messages:
            break
    return beginning


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON (there is no other form)")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    month, rules = launch(), all_rules()
    frame = simulate(month)
    assert frame.messages is not None
    assert frame.reports is not None
    n = len(frame.messages)
    size = sum(int(f.memory_usage(deep=True).sum()) for f in (frame.messages, frame.reports))
    only = int(frame.messages.memory_usage(deep=True).sum())
    del frame
    ns = measured(
        {
            "u": timeouts,
            "tallies": lambda: messages_of(simulate(month, rows=False)),
            "frame": lambda: messages_of(simulate(month)),
            "all_rules": lambda: messages_of(simulate(rules, policies=POLICIES, rows=False)),
            "floor": lambda: floor(n),
        },
        rounds,
    )
    beginning = first_days(rules, ORACLE_MESSAGES)
    begin = time.process_time()
    slow = SimpyModel(beginning, KeyedRandom(1)).run(POLICIES)
    oracle_ns = (time.process_time() - begin) / len(slow.messages) * 1e9
    fast = tables(simulate(beginning, policies=POLICIES))
    for name in NAMES:
        assert_same_rows(name, fast[name], [tuple(row) for row in getattr(slow, name)])
    result = {
        "u_ns": round(ns["u"], 1),
        **{f"{name}_u": round(ns[name] / ns["u"], 4) for name in ("tallies", "frame", "all_rules")},
        "simpy_process_u": round(oracle_ns / ns["u"], 2),
        "floor_u": round(ns["floor"] / ns["u"], 4),
        "frame_bytes_per_message": round(size / n, 1),
        "message_frame_bytes_per_message": round(only / n, 1),
        "peak_bytes_per_message": round(peak_bytes(lambda: messages_of(simulate(month))), 1),
        "identical_tables": True,
        "simpy_process_over_tallies": round(oracle_ns / ns["tallies"], 1),
        "messages": {"launch": n, "oracle": len(slow.messages)},
        "ns": {name: round(value, 1) for name, value in ns.items()},
        "rounds": rounds,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
