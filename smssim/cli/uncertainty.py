"""`smssim uncertainty`: how much of an answer is chance, and which unknown is worth asking for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from smssim.cli.options import (
    add_many_options,
    add_metric_option,
    add_scenario_argument,
    add_set_option,
    changes_of,
    failures,
    finite,
    positive,
    progress_bar,
    run_options,
    unknown_metrics,
)
from smssim.cli.output import WrongInput, warn_of, wrong_if

if TYPE_CHECKING:
    from smssim.experiment import Uncertainty

__all__ = ["add_uncertainty_options", "uncertainty_command"]


def add_uncertainty_options(parser: argparse.ArgumentParser) -> None:
    """What `uncertainty` takes."""
    add_scenario_argument(parser)
    parser.add_argument(
        "--n", type=positive, default=200, metavar="N", help="samples, 40 at least (200)"
    )
    add_metric_option(parser, "cost")
    add_set_option(parser, "V1,V2", required=False)
    parser.add_argument(
        "--loss",
        action="append",
        default=[],
        metavar="M=PRICE",
        help="with --set: what a unit of a metric costs you (cost=1); may be repeated",
    )
    add_many_options(parser)


def uncertainty_command(options: argparse.Namespace) -> str:
    """Split the uncertainty of a scenario with ranges; return the tables to print."""
    from smssim.experiment import uncertainty
    from smssim.formatting import text_page
    from smssim.scenario import Scenario

    metrics = options.metrics or ["cost"]
    unknown_metrics(metrics)
    designs, loss = changes_of(options) or None, _loss_of(options.loss)
    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        scenario = Scenario.load(options.scenario)
        warn_of(scenario)
        running = run_options(options, progress)
        result = uncertainty(scenario, metrics, options.n, designs=designs, loss=loss, **running)
    lines = [f"{scenario.name}: {options.n:,} samples, {len(result.experiment.results):,} runs"]
    lines += failures(result.experiment)
    for design in range(len(result.designs)):
        for figure in result.figures:
            lines += _figure(result, figure, design)
    lines += _worth(result) if len(result.designs) > 1 else []
    return text_page(lines)


def _loss_of(texts: list[str]) -> dict[str, float] | None:
    """The prices of all `--loss`, None without any. Raise a WrongInput for one that is none."""
    loss = {}
    for text in texts:
        metric, _, price = text.partition("=")
        try:
            loss[metric] = finite(price)
        except (ValueError, argparse.ArgumentTypeError):
            raise WrongInput(f"--loss {text}: must be METRIC=PRICE") from None
    unknown_metrics(list(loss))
    return loss or None


def _figure(result: Uncertainty, figure: str, design: int) -> list[str]:
    """What a figure of a design depends on: chance, and each unknown."""
    from smssim.formatting import columns, missing, number, section, share, wrapped

    point = result.designs[design]
    of = f" of {point.label}" if len(result.designs) > 1 else ""
    parts = result.split[result.split["figure"] == figure]
    split = parts.iloc[0 if len(parts) == 1 else design]
    unit = split["unit"]
    chance = f"{share(split['chance'])} ({share(split['low'])} to {share(split['high'])})"
    about = f"mean {number(split['mean'])}, standard deviation {number(split['sd'])} {unit}; "
    about += f"chance is {chance} of the variance, the rest is not known"
    if missing(split["chance"]):
        about = f"{number(split['mean'])} {unit} in all runs: nothing moves it"
    shares = result.shares[result.shares["figure"] == figure]
    if of:
        shares = shares[shares["design"] == point.label]
    ends = result.tornado(figure, design).set_index("unknown")
    rows = []
    for row in shares.to_dict("records"):
        at = ends.loc[row["unknown"]]
        interval = f"{share(row['total_low'])} to {share(row['total_high'])}"
        shown = (share(row["first"]), share(row["total"]), interval)
        means = (number(at["at_p10"]), number(at["at_p90"]))
        rows.append((row["unknown"], row["range"], *means, *shown))
    header = ("unknown", "range", "at p10", "at p90", "alone", "total", "low to high")
    table = columns(header, rows, "llrrrrl")
    return section(f"{figure}{of}, {unit}", [*wrapped(about, 2), *table])


def _worth(result: Uncertainty) -> list[str]:
    from smssim.formatting import columns, number, section

    rows = [
        (row["unknown"], row["range"], *(number(row[name]) for name in ("worth", "low", "high")))
        for row in result.worth.to_dict("records")
    ]
    unit = result.designs[0].scenario.currency
    table = columns(("unknown", "range", f"worth, {unit}", "low", "high"), rows, "llrrr")
    title = f"Worth asking before one of {len(result.designs)} designs is chosen"
    return section(title, [f"best as things stand: {result.best.label}", *table])
