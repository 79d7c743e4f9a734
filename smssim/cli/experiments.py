"""`smssim sweep`, `compare` and `find`: a scenario many times, in many designs, with intervals."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smssim.cli.options import (
    above_0,
    add_many_options,
    add_metric_option,
    add_scenario_argument,
    add_set_option,
    changes_of,
    failures,
    finite,
    notes_on_prices,
    positive,
    progress_bar,
    run_options,
    unknown_metrics,
)
from smssim.cli.output import WrongInput, check_writes, files_of, warn_of, wrong_if

if TYPE_CHECKING:
    from smssim.checks.find.search import Answer
    from smssim.experiment import Comparison, Experiment
    from smssim.scenario import Scenario

__all__ = [
    "add_compare_options",
    "add_find_options",
    "add_sweep_options",
    "compare_command",
    "find_command",
    "sweep_command",
]

_COMPARED = ["figure", "base", "what-if", "difference", "low", "high", "reduction", "unit"]
_HOLDS = {True: "yes", False: "no", None: "undecided"}


def add_sweep_options(parser: argparse.ArgumentParser) -> None:
    """What `sweep` takes."""
    add_scenario_argument(parser)
    add_set_option(parser, "V1,V2", required=True)
    parser.add_argument(
        "--n", type=positive, default=100, metavar="N", help="runs per combination (default: 100)"
    )
    add_metric_option(parser, "cost")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all runs as CSV")
    add_many_options(parser)


def sweep_command(options: argparse.Namespace) -> str:
    """Run every combination of some values; return the tables to print."""
    from smssim.experiment import sweep
    from smssim.experiment.designs import designs_of
    from smssim.formatting import text_page
    from smssim.scenario import Scenario

    metrics = options.metrics or ["cost"]
    unknown_metrics(metrics)
    changes = changes_of(options)
    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        base = Scenario.load(options.scenario)
        check_writes({"--csv": options.csv}, [options.scenario, *files_of(base)])
        warn_of(base, *(design.scenario for design in designs_of(base, changes)))
        experiment = sweep(base, changes, options.n, **run_options(options, progress))
        failed = failures(experiment)
        if options.csv is not None:
            _write_runs(experiment, options.csv)
        name = experiment.designs[0].scenario.name
        n = len(experiment.designs)
        lines = [f"{name}: {n} design{'s' * (n != 1)}, {options.n:,} runs each", *failed]
        lines += notes_on_prices(base, changes)
        for metric in metrics:
            lines += _sweep_tables(experiment, metric)
    return text_page(lines)


def _sweep_tables(experiment: Experiment, metric: str) -> list[str]:
    """One table per figure of a metric."""
    from smssim.formatting import section

    figures = [name for name in experiment.kpi_names if metric in (name, name.partition("[")[0])]
    lines = []
    for figure in figures:
        title = f"{figure}, {experiment.unit(figure)} (low to high: 95% confidence interval)"
        lines += section(title, _sweep_table(experiment, figure))
    return lines


def _sweep_table(experiment: Experiment, figure: str) -> list[str]:
    """One row per design, whose changes are in the last column, where they may be long."""
    from smssim.experiment.statistics import QUANTILES, statistics_of
    from smssim.formatting import columns, number

    header, rows = [], []
    for index, design in enumerate(experiment.designs):
        statistics = statistics_of(figure, experiment.values(figure, index), 0.95)
        by_name = {statistic.statistic: statistic for statistic in statistics}
        first = next(iter(by_name.values()))
        others = [name for name in QUANTILES if name in by_name]
        header = [first.statistic, "low", "high", *others, "runs", "design"]
        values = [*first[2:], *(by_name[name].estimate for name in others)]
        rows.append([*map(number, values), f"{first.n:,}", design.label])
    return columns(header, rows, "r" * (len(header) - 1) + "l")


def _write_runs(experiment: Experiment, path: Path) -> None:
    """One row per run: its design, the values that make it, its figures."""
    from smssim.pages.spreadsheets import write_csv

    write_csv(experiment.changes.merge(experiment.runs, on="scenario"), path)


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """What `compare` takes."""
    parser.add_argument("base", type=Path, metavar="BASE", help="a scenario file in YAML")
    parser.add_argument(
        "what_if",
        type=Path,
        metavar="WHAT_IF",
        nargs="?",
        help="another scenario file (default: BASE, changed by --set)",
    )
    add_set_option(parser, "V", required=False)
    add_metric_option(parser, "all that differ")
    often = parser.add_mutually_exclusive_group()
    often.add_argument("--n", type=positive, metavar="N", help="number of pairs of runs")
    often.add_argument(
        "--precision",
        type=above_0,
        default=0.02,
        metavar="P",
        help="half width of the first metric's difference (or cost's), as a share of the base's "
        "mean, at which there are enough pairs (0.02)",
    )
    add_many_options(parser)


def compare_command(options: argparse.Namespace) -> str:
    """Compare two scenarios; return the table to print."""
    from smssim.experiment import compare
    from smssim.formatting import text_page
    from smssim.scenario import Scenario

    unknown_metrics(options.metrics)
    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        base = Scenario.load(options.base)
        what_if = _what_if(options, base)
        warn_of(base, what_if)
        comparison = compare(
            base,
            what_if,
            options.n,
            precision=options.precision,
            metric=(options.metrics or ["cost"])[0],
            **run_options(options, progress),
        )
        failed = failures(comparison.experiment)
        pairs = len(comparison.experiment.results) // 2
        lines = [f"{base.name}: {pairs:,} pairs of runs, what-if less base", *failed]
        lines += notes_on_prices(base, changes_of(options))
        lines += _comparison_table(comparison, options.metrics)
    return text_page(lines)


def _what_if(options: argparse.Namespace, base: Scenario) -> Scenario:
    changes = {path: _single(path, values) for path, values in changes_of(options).items()}
    if options.what_if is None and not changes:
        raise WrongInput("compare takes WHAT_IF, or --set PATH=V, or both")
    other = base if options.what_if is None else type(base).load(options.what_if)
    return other.change(**changes) if changes else other


def _single(path: str, values: list[Any]) -> Any:
    if len(values) != 1:
        raise WrongInput(f"--set {path}: must be one value, not {len(values)}")
    return values[0]


def _comparison_table(comparison: Comparison, metrics: list[str]) -> list[str]:
    from smssim.formatting import columns, section

    summary = comparison.summary()
    rows, same = [], 0
    for row in summary.to_dict("records"):
        name = f"{row['metric']}[{row['of']}]" if row["of"] else row["metric"]
        if metrics:
            wanted = name in metrics or row["metric"] in metrics
        else:
            wanted = bool(row["paired_variance"] or row["difference"])
            same += not wanted
        if wanted:
            rows.append(_comparison_row(name, row))
    table = columns(_COMPARED, rows, "lrrrrrrl") if rows else ["no figure to show has a value"]
    notes = [f"{same} other figures are the same in every pair."] if same else []
    title = "low to high: 95% confidence interval; reduction: of variance, by common random numbers"
    return section(title, [*table, *notes])


def _comparison_row(name: str, row: dict[Any, Any]) -> list[str]:
    from smssim.formatting import number

    values = [number(row[key]) for key in ("base", "what_if", "difference", "low", "high")]
    ratio = row["reduction"]
    reduction = "all" if ratio == math.inf else number(ratio)
    return [name, *values, reduction, row["unit"]]


def add_find_options(parser: argparse.ArgumentParser) -> None:
    """What `find` takes."""
    add_scenario_argument(parser)
    parser.add_argument(
        "path", metavar="PATH", help="path of the value to search, such as packages.0.segments"
    )
    parser.add_argument(
        "--low", type=finite, required=True, metavar="A", help="lowest value to try"
    )
    parser.add_argument(
        "--high", type=finite, required=True, metavar="B", help="highest value to try"
    )
    parser.add_argument(
        "--holds",
        required=True,
        metavar="PROMISE",
        help="promise that must hold: 'runout.any < 0.05' or 'p90(cost) < 12_000'",
    )
    parser.add_argument(
        "--largest", action="store_true", help="search for the largest value, not the smallest"
    )
    parser.add_argument(
        "--step", type=finite, default=1, metavar="S", help="step between values (default: 1)"
    )
    parser.add_argument(
        "--n",
        type=positive,
        default=1_000,
        metavar="N",
        help="maximum number of runs per value (default: 1,000)",
    )
    add_many_options(parser)


def find_command(options: argparse.Namespace) -> str:
    """Look for a value; return the answer and what was tried, to print."""
    from smssim.checks import find
    from smssim.formatting import text_page
    from smssim.scenario import Scenario

    search = find.largest if options.largest else find.smallest
    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        scenario = Scenario.load(options.scenario)
        warn_of(scenario)
        answer = search(
            scenario,
            options.path,
            options.low,
            options.high,
            options.holds,
            step=options.step,
            most=options.n,
            **run_options(options, progress),
        )
    return text_page([*_answer_lines(answer), *notes_on_prices(scenario, [options.path])])


def _answer_lines(answer: Answer) -> list[str]:
    from smssim.formatting import columns, number, section, wrapped

    missing = "undecided" if answer.undecided else "none"
    value = missing if answer.value is None else f"{answer.value:,}"
    rows = [
        [
            f"{probe.value:,}",
            *map(number, (probe.estimate, probe.low, probe.high)),
            f"{probe.n:,}",
            _HOLDS[probe.holds],
        ]
        for probe in sorted(answer.probes, key=lambda probe: probe.value)
    ]
    header = ["value", answer.promise.statistic_name, "low", "high", "runs", "holds"]
    table = columns(header, rows, "rrrrrl")
    return [
        f"{answer.path}: {value}",
        *wrapped(f"{answer.note}."),
        *section("Tried (95% confidence intervals, over all answers together)", table),
    ]
