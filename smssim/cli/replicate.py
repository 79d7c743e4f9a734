"""`smssim replicate`, and `smssim run --n`: one scenario many times, with intervals."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.options import (
    add_many_options,
    add_metric_option,
    add_scenario_argument,
    failures,
    positive,
    progress_bar,
    run_options,
    unknown_metrics,
)
from smssim.cli.output import check_writes, files_of, warn_of, wrong_if

if TYPE_CHECKING:
    from smssim.experiment import Experiment

__all__ = ["add_replicate_options", "many_runs", "replicate_command"]


def add_replicate_options(parser: argparse.ArgumentParser) -> None:
    """What `replicate` takes."""
    add_scenario_argument(parser)
    parser.add_argument(
        "--n", type=positive, default=100, metavar="N", help="number of runs (default: 100)"
    )
    add_metric_option(parser, "the main ones")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all runs as CSV")
    add_many_options(parser)


def replicate_command(options: argparse.Namespace) -> str:
    """Run a scenario many times; return the answers with intervals to print."""
    from smssim.pages.intervals import replicated
    from smssim.pages.spreadsheets import write_csv

    unknown_metrics(options.metrics)
    experiment = many_runs(options, {"--csv": options.csv})
    if options.csv is not None:
        with wrong_if(OSError):
            write_csv(experiment.runs, options.csv)
    return replicated(experiment, options.metrics, failures(experiment))


def many_runs(options: argparse.Namespace, writes: dict[str, Path | None]) -> Experiment:
    """The runs that the options ask for; what is to be written is checked before they begin."""
    from smssim.experiment import replicate
    from smssim.scenario import Scenario

    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        scenario = Scenario.load(options.scenario)
        check_writes(writes, [options.scenario, *files_of(scenario)])
        warn_of(scenario)
        return replicate(scenario, options.n, **run_options(options, progress))
