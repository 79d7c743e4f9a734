"""`smssim compare`: what a change makes of the figures, in runs that share their chance."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from smssim.cli.output import WrongInput, wrong_if

if TYPE_CHECKING:
    from smssim.experiment import Comparison
    from smssim.scenario import Scenario

_HEADER = ["figure", "base", "what-if", "difference", "low", "high", "reduction", "unit"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("base", type=Path, metavar="BASE", help="a scenario file in YAML")
    parser.add_argument(
        "what_if", type=Path, metavar="WHAT_IF", nargs="?", help="another one (the base)"
    )
    add_set_option(parser, "V", required=False)
    add_metric_option(parser, "all that differ")
    often = parser.add_mutually_exclusive_group()
    often.add_argument("--n", type=positive, metavar="N", help="pairs of runs")
    often.add_argument(
        "--precision",
        type=_share,
        default=0.02,
        metavar="P",
        help="half width of the first metric's difference (or cost's), as a share of the base's "
        "mean, at which there are enough pairs (0.02)",
    )
    add_many_options(parser)


def command(options: argparse.Namespace) -> str:
    """Compare two scenarios; return the table to print."""
    from smssim.experiment import compare
    from smssim.formatting import page
    from smssim.scenario import Scenario

    unknown_metrics(options.metrics)
    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        base = Scenario.load(options.base)
        what_if = _what_if(options, base)
        found = compare(
            base,
            what_if,
            options.n,
            precision=options.precision,
            metric=(options.metrics or ["cost"])[0],
            **run_options(options, progress),
        )
        told = failures(found.experiment)
        pairs = len(found.experiment.results) // 2
        lines = [f"{base.name}: {pairs:,} pairs of runs, what-if less base", *told]
        lines += _table(found, options.metrics)
    return page(lines)


def _what_if(options: argparse.Namespace, base: Scenario) -> Scenario:
    changes = {path: _one(path, values) for path, values in changes_of(options).items()}
    if options.what_if is None and not changes:
        raise WrongInput("compare takes WHAT_IF, or --set PATH=V, or both")
    other = base if options.what_if is None else type(base).load(options.what_if)
    return other.change(**changes) if changes else other


def _table(found: Comparison, metrics: list[str]) -> list[str]:
    from smssim.formatting import columns, section

    summary = found.summary()
    shown, same = [], 0
    for row in summary.to_dict("records"):
        name = f"{row['metric']}[{row['of']}]" if row["of"] else row["metric"]
        if metrics:
            wanted = name in metrics or row["metric"] in metrics
        else:
            wanted = bool(row["paired_variance"] or row["difference"])
            same += not wanted
        if wanted:
            shown.append(_row(name, row))
    table = columns(_HEADER, shown, "lrrrrrrl") if shown else ["no figure to show has a value"]
    notes = [f"{same} other figures are the same in every pair."] if same else []
    title = "low to high is 95 % sure; reduction: of the variance, by sharing random numbers"
    return section(title, [*table, *notes])


def _row(name: str, row: dict[Any, Any]) -> list[str]:
    from smssim.formatting import number

    values = [number(row[key]) for key in ("base", "what_if", "difference", "low", "high")]
    ratio = row["reduction"]
    reduction = "all" if ratio == math.inf else number(ratio)
    return [name, *values, reduction, row["unit"]]


def _one(path: str, values: list[Any]) -> Any:
    if len(values) != 1:
        raise WrongInput(f"--set {path}: must be one value, not {len(values)}")
    return values[0]


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number > 0")
    return value
