"""`smssim describe` writes a study down, `smssim schema` prints the schema of scenario files."""

from __future__ import annotations

import argparse
from pathlib import Path

from smssim.cli.options import (
    add_many_options,
    add_scenario_argument,
    failures,
    positive,
    progress_bar,
    run_options,
)
from smssim.cli.output import check_writes, files_of, warn_of, wrong_if

__all__ = ["add_describe_options", "add_schema_options", "describe_command", "schema_command"]


def add_describe_options(parser: argparse.ArgumentParser) -> None:
    """What `describe` takes."""
    add_scenario_argument(parser)
    parser.add_argument(
        "--n",
        type=positive,
        metavar="N",
        help="simulate N runs and add their figures (default: none)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the Markdown here instead of printing it"
    )
    add_many_options(parser)


def describe_command(options: argparse.Namespace) -> str:
    """Describe a scenario; return the Markdown to print."""
    from smssim.experiment import replicate
    from smssim.pages.describe import describe
    from smssim.record.storage import whole_file
    from smssim.scenario import Scenario

    with wrong_if(OSError, ValueError):
        scenario = Scenario.load(options.scenario)
        check_writes({"--out": options.out}, [options.scenario, *files_of(scenario)])
        warn_of(scenario)
    if options.rng is not None:
        scenario = scenario.change(rng=options.rng)
    experiment = None
    if options.n is not None:
        with wrong_if(OSError, ValueError), progress_bar(options) as progress:
            experiment = replicate(scenario, options.n, **run_options(options, progress))
            failures(experiment)
    text = describe(scenario, experiment)
    if options.out is None:
        return text
    with wrong_if(OSError), whole_file(options.out) as new:
        new.write_text(text, encoding="utf-8")
    return ""


def add_schema_options(parser: argparse.ArgumentParser) -> None:
    """`schema` takes nothing."""


def schema_command(options: argparse.Namespace) -> str:
    """The JSON Schema of scenario files, to print."""
    import json

    from smssim import scenario

    return json.dumps(scenario.schema(), indent=2, ensure_ascii=False) + "\n"
