"""CPU seconds and memory of a fit: five million messages from their tallies, and seven thousand.

python tests/benchmarks/fit.py --json
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

import smssim
from smssim import Scenario
from smssim.forecast.cells import Cells
from smssim.forecast.forecast import SETS

COUNTRIES = [
    "ID",
    "TH",
    "PH",
    "IN",
    "VN",
    "MY",
    "SG",
    "BR",
    "MX",
    "NG",
    "KE",
    "ZA",
    "EG",
    "SA",
    "AE",
    "TR",
]


def plan(messages: int, countries: int, days: int) -> Scenario:
    """A month of so many messages to so many countries, with swings and growth."""
    per_day = messages / days / countries
    traffic = [
        {
            "name": f"code {country}",
            "template": "code",
            "country": country,
            "messages_a_day": per_day * (0.5 + i / max(countries - 1, 1)),
            "swings": ["all"],
            "growth_per_day": 0.003,
            "recipients": {1: 0.9, 10: 0.1},
        }
        for i, country in enumerate(COUNTRIES[:countries])
    ]
    limits = {"daily_alarm": 10**8, "daily_limit": 2 * 10**8}
    limits |= {"monthly_alarm": 3 * 10**8, "monthly_limit": 4 * 10**8}
    return Scenario.model_validate(
        {
            "name": "benchmark",
            "start": "2026-03-02",
            "days": days,
            "applications": [{"name": "app"}],
            "templates": [{"name": "code", "application": "app", "type": "otp"}],
            "swings": [{"name": "all", "sd": 0.08}],
            "traffic": traffic,
            "thresholds": limits,
            "quota": {"daily_limit": 10**9, "monthly_limit": 2 * 10**9},
        }
    )


def measure(messages: int, countries: int, days: int) -> dict[str, Any]:
    """Seconds of CPU of each step."""
    record = smssim.simulate(plan(messages, countries, days), rows=False)
    counted = int(record.tallies.clock["messages"].sum())
    clock = time.process_time
    begun = clock()
    Cells.of(record)
    cells = clock()
    fit = smssim.fit(record)
    fitted = clock()
    for draw in range(SETS):
        fit.parameters(draw)
    drawn = clock()
    fit.scenario(draw=0)
    return {
        "messages": counted,
        "countries": countries,
        "cells_s": cells - begun,
        "fit_s": fitted - cells,
        "sets_s": drawn - fitted,
        "scenario_s": clock() - drawn,
    }


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    small, large = measure(7_000, 2, 28), measure(5_000_000, 16, 31)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = {"small": small, "large": large, "peak_mb_with_simulation": peak}
    print(json.dumps(result, indent=2) if options.json else result)


if __name__ == "__main__":
    main()
