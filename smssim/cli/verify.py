"""`smssim verify`: whether the engine and the SimPy model give the same tables for a plan."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from smssim.cli.options import (
    add_progress_option,
    add_rng_option,
    add_scenario_argument,
    day_bar,
    positive,
)
from smssim.cli.output import FAILED, WrongInput, wrong_if

if TYPE_CHECKING:
    from smssim.scenario import Scenario

__all__ = ["add_verify_options", "verify_command"]

_PATIENCE_S = 600
"""A comparison that takes longer asks first."""


def add_verify_options(parser: argparse.ArgumentParser) -> None:
    """What `verify` takes."""
    add_scenario_argument(parser)
    add_rng_option(parser)
    parser.add_argument(
        "--n", type=positive, default=1, metavar="K", help="how many seeds from --rng on (1)"
    )
    parser.add_argument(
        "--days", type=positive, metavar="D", help="the first days of the plan alone"
    )
    add_progress_option(parser)


def verify_command(options: argparse.Namespace) -> tuple[str, int]:
    """Compare both; return what to print, and 1 if they differ."""
    from smssim.scenario import Scenario
    from smssim.testing.verification import verify

    with wrong_if(OSError, ValueError):
        scenario = Scenario.load(options.scenario)
        if options.days is None:
            _check_patience(scenario, options)
        else:
            scenario = scenario.change(days=min(options.days, scenario.days))
    with wrong_if(OSError, ValueError), day_bar(options, scenario.days) as progress:
        result = verify(scenario, rng=options.rng, n=options.n, progress=progress)
    return f"{result}\n", FAILED if result.difference else 0


def _check_patience(scenario: Scenario, options: argparse.Namespace) -> None:
    """Raise a WrongInput for a comparison that takes long, unless it is asked for by `--days`."""
    from smssim.formatting import duration
    from smssim.simulation.simulate import simulate
    from smssim.testing.verification import estimated_s

    money = simulate(scenario, rng=options.rng, rows=False).tallies.money
    messages = int(money["messages"].sum())
    takes_s = estimated_s(messages * options.n)
    if takes_s <= _PATIENCE_S:
        return
    days = max(1, int(scenario.days * _PATIENCE_S / takes_s))
    runs = f" in {options.n} runs" if options.n > 1 else ""
    raise WrongInput(
        f"{messages:,} messages{runs} take about {duration(takes_s)} in SimPy; "
        f"--days {days} takes a part of that, --days {scenario.days} is all"
    )
