"""How fast experiments are: processes against one, CPU of a replication, memory of the parent.

Run `python tests/benchmarks/experiments.py --json [--n N] [--rounds N] [--cpu N] [--runs N]`.
Wall times of one process and two are taken in turns on the same warm pools; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from smssim.experiment import replicate
from smssim.experiment.pool import new_executor
from smssim.scenario import Scenario

MONTH = Scenario.parse(
    """
start: 2026-03-01
days: 30
quota: {daily_limit: 50_000, monthly_limit: 900_000}
thresholds:
  {daily_alarm: 40_000, daily_limit: 50_000, monthly_alarm: 400_000, monthly_limit: 900_000}
applications: [{name: shop}]
templates: [{name: code, application: shop}]
packages: [{country: ID, segments: 90_000, price: 30_000}]
traffic: [{name: a, template: code, country: ID, messages_a_day: 3_333}]
routes: {ID: {price: 0.35}}
"""
)
"""A month of 100,000 messages."""
TINY = MONTH.change(days=1, **{"traffic.0.messages_a_day": 1})


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--n", type=int, default=256, help="replications of a timed sweep")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds")
    parser.add_argument("--cpu", type=int, default=100, help="replications whose CPU is taken")
    parser.add_argument("--runs", type=int, default=10_000, help="tiny runs, for memory")
    options = parser.parse_args(argv)
    load = os.getloadavg()[0]
    found = {
        "memory": memory(options.runs),
        "cpu": cpu(options.cpu),
        "wall": wall(options.n, options.rounds),
        "load_before_and_after": [load, os.getloadavg()[0]],
        "cores": len(os.sched_getaffinity(0)),
    }
    print(json.dumps(found, indent=2) if options.json else found)
    return 0


def memory(runs: int) -> dict[str, float]:
    """The parent's largest resident memory after many tiny runs in two workers."""
    before = _resident_mb()
    found = replicate(TINY, runs, workers=2)
    rows = len(found.runs)
    return {"runs": rows, "before_mb": before, "peak_mb": _resident_mb()}


def cpu(n: int) -> dict[str, float]:
    """CPU seconds of replications in this process, scaled to a thousand."""
    replicate(MONTH, 2, workers=1)
    begun = time.process_time()
    replicate(MONTH, n, workers=1)
    seconds = time.process_time() - begun
    return {"replications": n, "cpu_s": seconds, "cpu_s_of_1000": seconds / n * 1_000}


def wall(n: int, rounds: int) -> dict[str, Any]:
    """Wall seconds of *n* replications in one worker process and in two, and their ratio."""
    cold = {workers: _timed(lambda k=workers: replicate(MONTH, n, workers=k)) for workers in (1, 2)}
    warm: dict[int, list[float]] = {1: [], 2: []}
    with new_executor(1) as one, new_executor(2) as two:
        for executor, workers in ((one, 1), (two, 2)):
            _warm(executor, workers)
        for _ in range(rounds):
            for executor, workers in ((one, 1), (two, 2)):
                warm[workers].append(_timed(lambda e=executor, k=workers: _run(e, k, n)))
    middle = {workers: statistics.median(times) for workers, times in warm.items()}
    ratios = [one / two for one, two in zip(warm[1], warm[2], strict=True)]
    return {
        "replications": n,
        "warm_s": warm,
        "warm_ratio": middle[1] / middle[2],
        "warm_ratios": ratios,
        "cold_s": cold,
        "cold_ratio": cold[1] / cold[2],
    }


def _run(executor: Executor, workers: int, n: int) -> None:
    replicate(MONTH, n, executor=executor, workers=workers)


def _warm(executor: Executor, workers: int) -> None:
    """Start all workers: each has run a replication or two."""
    _run(executor, workers, 4 * workers)


def _timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
