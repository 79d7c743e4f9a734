"""`smssim check`: whether the promises of scenario files are kept, for people and for pipelines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.options import add_running_options, progress_bar, running_options
from smssim.cli.output import FAILED, WrongInput, check_writes, warn_of, wrong_if

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
        help="effect of a change on the promises, in paired runs",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="also write the verdicts as JUnit XML"
    )
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="append a Markdown summary, for example to $GITHUB_STEP_SUMMARY",
    )
    parser.add_argument(
        "--undecided",
        choices=("fail", "pass"),
        default="fail",
        help="how an undecided promise counts (default: fail)",
    )
    add_running_options(parser)


def check_command(options: argparse.Namespace) -> tuple[str, int]:
    """Check files, or the difference of two; return what to print, and 1 if a promise is broken."""
    if bool(options.files) == bool(options.diff):
        raise WrongInput("check takes FILE..., or --diff OLD NEW")
    writes = {"--junit": options.junit, "--markdown": options.markdown}
    for option, file in writes.items():
        if options.diff and file is not None:
            raise WrongInput(f"{option}: cannot show a difference; --json does")
    check_writes(writes, options.files)
    return _difference(options) if options.diff else _check_files(options)


def _check_files(options: argparse.Namespace) -> tuple[str, int]:
    from smssim.checks import check, json_of
    from smssim.scenario import ScenarioError

    _promising(options.files)
    with wrong_if(OSError, ScenarioError), progress_bar(options) as progress:
        running = running_options(options, progress)
        results = [check(file, **running) for file in options.files]
        text = json_of(results, options.undecided) if options.json else _tables(results, options)
        _write(results, options)
    passed = all(result.ok(options.undecided) for result in results)
    return text, 0 if passed else FAILED


def _write(results: list[CheckResult], options: argparse.Namespace) -> None:
    """Write the requested files: a pipeline's summary has those of other steps before it."""
    from smssim.checks import junit, markdown

    if options.junit is not None:
        options.junit.write_text(junit(results, options.undecided), encoding="utf-8")
    if options.markdown is not None:
        with options.markdown.open("a", encoding="utf-8") as file:
            file.write(markdown(results, options.undecided) + "\n")


def _difference(options: argparse.Namespace) -> tuple[str, int]:
    from smssim.checks import difference
    from smssim.scenario import ScenarioError

    old, new = options.diff
    _promising([new], [old])
    with wrong_if(OSError, ScenarioError), progress_bar(options) as progress:
        result = difference(old, new, **running_options(options, progress))
        text = result.json(options.undecided) if options.json else result.to_text()
    return text, 0 if result.ok(options.undecided) else FAILED


def _tables(results: list[CheckResult], options: argparse.Namespace) -> str:
    """The tables of all files; what does not hold stands last, where a red log is looked at."""
    from smssim.checks.text import failing
    from smssim.formatting import text_page

    lines = failing(results, options.undecided)
    end = [text_page(["", *lines])] if lines else []
    return "\n".join(result.to_text() for result in results) + "".join(end)


def _promising(files: list[Path], others: list[Path] | None = None) -> None:
    """Raise a WrongInput that lists all that is wrong with any file, before anything is run.

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
