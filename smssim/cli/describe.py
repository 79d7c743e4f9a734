"""`smssim describe`: write a study down, its provenance and a report by the STRESS guidelines."""

from __future__ import annotations

import argparse
from pathlib import Path

from smssim.cli.many import add_many_options, failures, positive, progress_bar, run_options
from smssim.cli.output import writable, wrong_if


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="a scenario file in YAML")
    parser.add_argument(
        "--n", type=positive, metavar="N", help="make N runs and add their figures (no runs)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the Markdown here instead of printing it"
    )
    add_many_options(parser)


def command(options: argparse.Namespace) -> str:
    """Describe a scenario; return the Markdown to print."""
    from smssim.experiment import replicate
    from smssim.pages.describe import describe
    from smssim.scenario import Scenario

    writable("--out", options.out)
    with wrong_if(OSError, ValueError):
        scenario = Scenario.load(options.scenario)
    if options.rng is not None:
        scenario = scenario.change(rng=options.rng)
    found = None
    if options.n is not None:
        with wrong_if(OSError, ValueError), progress_bar(options) as progress:
            found = replicate(scenario, options.n, **run_options(options, progress))
            failures(found)
    text = describe(scenario, found)
    if options.out is None:
        return text
    with wrong_if(OSError):
        options.out.write_text(text, encoding="utf-8")
    return ""
