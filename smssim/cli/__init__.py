"""The command line: `smssim run` simulates, `smssim report` reads a log or a saved run.

`replicate`, `sweep`, `compare` and `find` run many times and print confidence intervals; `check`
decides whether promises are kept.

Exit codes: 0 done, 1 the run failed, a promise is broken or no record of a log is usable, 2 wrong
usage, scenario or file, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

# Nothing else is imported up here: `smssim --help` must answer at once.
from smssim.cli.output import (
    INTERRUPTED,
    WRONG,
    WrongInput,
    check_paths,
    check_text,
    closed_pipe,
    complain,
    explain,
    show_result,
)

__all__ = [
    "COMMANDS",
    "INTERRUPTED",
    "WRONG",
    "Any",
    "Callable",
    "NoReturn",
    "Sequence",
    "WrongInput",
    "check_paths",
    "check_text",
    "closed_pipe",
    "complain",
    "explain",
    "get_close_matches",
    "import_module",
    "main",
    "make_parser",
    "show_result",
]

COMMANDS = {
    "run": "simulate a scenario, once or N times with intervals",
    "report": "report on a log, or on a run stored with --out",
    "replicate": "simulate a scenario many times: every figure with its interval",
    "sweep": "simulate every combination of some values, many times each",
    "compare": "compare two scenarios in paired runs, with intervals",
    "find": "find the smallest or largest value at which a promise holds",
    "uncertainty": "split what is uncertain: chance, and each range of a scenario",
    "check": "check the promises of scenario files, at a stated risk",
    "fit": "fit a scenario to a log: its parameters, with intervals",
    "forecast": "forecast cost and delivery from a log or a saved fit",
    "backtest": "hold forecasts from earlier dates of a log against what came",
    "watch": "say since when a log no longer agrees with its plan",
    "verify": "compare the engine with the SimPy model, table by table",
    "describe": "document a study: provenance and a STRESS-DES report, in Markdown",
    "schema": "print the JSON Schema of scenario files, for editors",
}
_MODULE_OF = {
    "report": "run",
    "sweep": "experiments",
    "compare": "experiments",
    "find": "experiments",
    "backtest": "fit",
    "forecast": "fit",
    "watch": "fit",
    "schema": "describe",
}
"""The modules of commands that have none of their own name. A command's module has the functions
`add_NAME_options` and `NAME_command`, which returns what to print, or that with the exit code.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors go to stderr in a few lines."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        return _unknown_command(arguments[0])
    try:
        check_text(arguments)
        options = parser.parse_args(arguments)
        check_paths(options)
    except SystemExit as done:
        return int(done.code or 0)
    except WrongInput as error:
        return explain(error)
    if options.command is None:
        parser.print_help(sys.stderr)
        return WRONG
    try:
        return show_result(_function(options.command, f"{options.command}_command")(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return closed_pipe()
    except Exception as error:
        if options.debug:
            raise
        return explain(error)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="smssim",
        description="Simulates and analyses international SMS on Huawei Cloud Message & SMS.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, text in COMMANDS.items():
        subparser = commands.add_parser(
            name, help=text, description=text, parents=[common], allow_abbrev=False
        )
        _function(name, f"add_{name}_options")(subparser)
    return parser


def _function(command: str, name: str) -> Callable[..., Any]:
    module = import_module(f"smssim.cli.{_MODULE_OF.get(command, command)}")
    function: Callable[..., Any] = getattr(module, name)
    return function


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            text = version("smssim")
        except PackageNotFoundError:
            text = "(not installed)"
        parser.exit(0, f"smssim {text}\n")


def _unknown_command(name: str) -> int:
    near = get_close_matches(name, COMMANDS, 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else f"; commands: {', '.join(COMMANDS)}"
    complain(f"unknown command {name!r}{hint}")
    return WRONG
