"""`smssim find`: the smallest or largest value at which a promise holds."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.many import add_many_options, positive, progress_bar, run_options
from smssim.cli.output import wrong_if

if TYPE_CHECKING:
    from smssim.checks.find.search import Answer

_HOLDS = {True: "yes", False: "no", None: "cannot be told"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="a scenario file in YAML")
    parser.add_argument(
        "path", metavar="PATH", help="the value to look for, such as packages.0.segments"
    )
    parser.add_argument("--low", type=_number, required=True, metavar="A", help="from here")
    parser.add_argument("--high", type=_number, required=True, metavar="B", help="to here")
    parser.add_argument(
        "--holds",
        required=True,
        metavar="PROMISE",
        help="what shall be so: 'runout.any < 0.05' or 'p90(cost) < 12_000'",
    )
    parser.add_argument(
        "--largest", action="store_true", help="look for the largest value, not the smallest"
    )
    parser.add_argument("--step", type=_number, default=1, metavar="S", help="try every S-th (1)")
    parser.add_argument(
        "--n", type=positive, default=1_000, metavar="N", help="runs of a value at most (1,000)"
    )
    add_many_options(parser)


def command(options: argparse.Namespace) -> str:
    """Look for a value; return the answer and what was tried, to print."""
    from smssim.checks import find
    from smssim.formatting import page

    ask = find.largest if options.largest else find.smallest
    with wrong_if(OSError, ValueError), progress_bar(options) as progress:
        answer = ask(
            options.scenario,
            options.path,
            options.low,
            options.high,
            options.holds,
            step=options.step,
            most=options.n,
            **run_options(options, progress),
        )
    return page(_told(answer))


def _told(answer: Answer) -> list[str]:
    from smssim.formatting import columns, section, wrapped

    value = "none" if answer.value is None else f"{answer.value:,}"
    probes = sorted(answer.probes, key=lambda probe: probe.value)
    rows = [
        [
            f"{probe.value:,}",
            *map(_known, (probe.estimate, probe.low, probe.high)),
            f"{probe.n:,}",
            _HOLDS[probe.holds],
        ]
        for probe in probes
    ]
    header = ["value", answer.promise.statistic_name, "low", "high", "runs", "holds"]
    table = columns(header, rows, "rrrrrl")
    return [
        f"{answer.path}: {value}",
        *wrapped(f"{answer.note}."),
        *section("Tried (all answers together are 95 % sure)", table),
    ]


def _known(value: float) -> str:
    """An estimate or the end of an interval, a dash where it has none."""
    from smssim.formatting import number

    return number(value) if math.isfinite(value) else "-"


def _number(text: str) -> float:
    """A whole number stays one: a count must not become 3.0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number")
    return int(value) if value.is_integer() else value
