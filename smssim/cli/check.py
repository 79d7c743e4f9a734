"""`smssim check`: whether the promises of scenario files are kept, for people and for pipelines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.options import add_running_options, progress_bar, running_options
from smssim.cli.output import FAILED, WrongInput, warn_of, wrong_if

if TYPE_CHECKING:
    from smssim.checks import CheckResult

__all__ = ["add_check_options", "check_command"]


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """What `check` takes."""
    parser.add_argument(
        "files", type=Path, metavar="FILE", nargs="*", help="scenario files in YAML with checks"
    )
    parser.add_argument(
        "--diff",
        type=Path,
        nargs=2,
        metavar=("OLD", "NEW"),
        help="what a change of a plan does to its promises, in the same months",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON instead of the table")
    form.add_argument("--junit", action="store_true", help="print JUnit's XML instead of the table")
    parser.add_argument(
        "--undecided",
        choices=("fail", "pass"),
        default="fail",
        help="what a promise counts as that stays undecided (fail)",
    )
    add_running_options(parser)


def check_command(options: argparse.Namespace) -> tuple[str, int]:
    """Check files, or the difference of two; return what to print, and 1 if a promise is broken."""
    if bool(options.files) == bool(options.diff):
        raise WrongInput("check takes FILE..., or --diff OLD NEW")
    if options.diff and options.junit:
        raise WrongInput("--junit: cannot tell a difference; --json does")
    return _difference(options) if options.diff else _check_files(options)


def _check_files(options: argparse.Namespace) -> tuple[str, int]:
    from smssim.checks import check, json_of, junit
    from smssim.scenario import ScenarioError

    _promising(options.files)
    with wrong_if(OSError, ScenarioError), progress_bar(options) as progress:
        running = running_options(options, progress)
        results = [check(file, **running) for file in options.files]
        if options.json:
            text = json_of(results, options.undecided)
        else:
            text = junit(results, options.undecided) if options.junit else _tables(results)
    passed = all(result.ok(options.undecided) for result in results)
    return text, 0 if passed else FAILED


def _difference(options: argparse.Namespace) -> tuple[str, int]:
    from smssim.checks import difference
    from smssim.scenario import ScenarioError

    old, new = options.diff
    _promising([new], [old])
    with wrong_if(OSError, ScenarioError), progress_bar(options) as progress:
        result = difference(old, new, **running_options(options, progress))
        text = result.json(options.undecided) if options.json else result.to_text()
    return text, 0 if result.ok(options.undecided) else FAILED


def _tables(results: list[CheckResult]) -> str:
    return "\n".join(result.to_text() for result in results)


def _promising(files: list[Path], others: list[Path] | None = None) -> None:
    """Raise a WrongInput that tells all that is wrong with any file, before anything is run.

    The *others* may be without checks.
    """
    from smssim.scenario import Problem, Scenario, ScenarioError

    messages = []
    for file in (*(others or ()), *files):
        try:
            scenario = Scenario.load(file)
        except ScenarioError as error:
            messages.append(str(error))
        else:
            warn_of(scenario)
            if not scenario.checks and file in files:
                messages.append(str(Problem("there is no promise", "checks", str(file), 1, 1)))
    if messages:
        raise WrongInput("\n".join(messages))
