"""`smssim sweep`: run every combination of some values, many times each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.many import (
    add_many_options,
    add_metric_option,
    add_set_option,
    changes_of,
    failures,
    positive,
    progress_bar,
    run_options,
    unknown_metrics,
)
from smssim.cli.output import writable, wrong_if

if TYPE_CHECKING:
    from smssim.experiment import Experiment


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="a scenario file in YAML")
    add_set_option(parser, "V1,V2", required=True)
    parser.add_argument(
        "--n", type=positive, default=100, metavar="N", help="runs of each combination (100)"
    )
    add_metric_option(parser, "cost")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all runs as CSV")
    add_many_options(parser)


def command(options: argparse.Namespace) -> str:
    """Run a sweep; return its tables to print."""
    from smssim.experiment import sweep
    from smssim.formatting import page

    writable("--csv", options.csv)
    metrics = options.metrics or ["cost"]
    unknown_metrics(metrics)
    changes = changes_of(options)
    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        found = sweep(options.scenario, changes, options.n, **run_options(options, progress))
        told = failures(found)
        if options.csv is not None:
            _write(found, options.csv)
        name = found.designs[0].scenario.name
        lines = [f"{name}: {len(found.designs)} designs, {options.n:,} runs each", *told]
        for metric in metrics:
            lines += _tables(found, metric)
    return page(lines)


def _tables(found: Experiment, metric: str) -> list[str]:
    """One table a figure of a metric."""
    from smssim.formatting import section

    figures = [name for name in found.figures if metric in (name, name.partition("[")[0])]
    lines = []
    for figure in figures:
        title = f"{figure}, {found.unit(figure)} (low to high: 95 % sure)"
        lines += section(title, _table(found, figure))
    return lines


def _table(found: Experiment, figure: str) -> list[str]:
    """A row a design; what makes it stands last, where it may be long."""
    from smssim.experiment.statistics import QUANTILES, statistics_of
    from smssim.formatting import columns, number

    header, rows = [], []
    for place, design in enumerate(found.designs):
        own = {s.statistic: s for s in statistics_of(figure, found.values(figure, place), 0.95)}
        first = next(iter(own.values()))
        others = [name for name in QUANTILES if name in own]
        header = [first.statistic, "low", "high", *others, "runs", "design"]
        values = [*first[2:], *(own[name].estimate for name in others)]
        rows.append([*map(number, values), f"{first.n:,}", design.label])
    return columns(header, rows, "r" * (len(header) - 1) + "l")


def _write(found: Experiment, path: Path) -> None:
    """One row a run: its design, the values that make it, its figures."""
    from smssim.pages.spreadsheets import write_csv

    write_csv(found.changes.merge(found.runs, on="scenario"), path)
