"""The command line: `smssim run` simulates, `smssim report` reads a log or a saved run.

Exit codes: 0 done, 1 the run failed, 2 wrong usage, scenario or file, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

# Nothing else is imported up here: `smssim --help` must answer at once.
if TYPE_CHECKING:
    from smssim.record import Record
    from smssim.run import Run
    from smssim.scenario import Scenario

FAILED, WRONG, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141
COMMANDS = {
    "run": "simulate a scenario",
    "report": "report on a log, or on a run that --out kept",
    "schema": "print the JSON Schema of scenario files, for editors",
}


class WrongInput(Exception):
    """Something the user gave cannot be used; the text is all he needs to see."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors go to stderr in a few lines."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        return _unknown_command(arguments[0])
    try:
        options = parser.parse_args(arguments)
    except SystemExit as done:
        return int(done.code or 0)
    if options.command is None:
        parser.print_help(sys.stderr)
        return WRONG
    try:
        text = {"run": run, "report": report, "schema": schema}[options.command](options)
        _print(text)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _closed_pipe()
    except Exception as error:
        if options.debug:
            raise
        return _explain(error)
    return 0


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
    made = {
        name: commands.add_parser(
            name, help=text, description=text, parents=[common], allow_abbrev=False
        )
        for name, text in COMMANDS.items()
    }
    _add_run_options(made["run"])
    made["report"].add_argument(
        "path", type=Path, metavar="PATH", help="a capture, or a directory from --out"
    )
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="a scenario file in YAML")
    parser.add_argument(
        "--rng", type=_seed, default=1, metavar="N", help="seed of the random numbers, >= 0 (1)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep the run in this directory, as Parquet"
    )
    parser.add_argument(
        "--capture", type=Path, metavar="FILE", help="write what the customer's server would log"
    )
    parser.add_argument("--no-progress", action="store_true", help="show no progress bar")
    parser.add_argument("--quiet", action="store_true", help="print no summary")


def run(options: argparse.Namespace) -> str:
    """Simulate a scenario; return the summary to print."""
    from smssim.report import summary
    from smssim.run import simulate

    with _wrong_if(OSError, ValueError):
        scenario = _load(options.scenario)
        _check_writable(options.capture)
    shown = sys.stderr.isatty() and not options.no_progress
    with _wrong_if(OSError, ValueError), _progress(scenario, shown) as progress:
        done = simulate(
            scenario,
            rng=options.rng,
            rows=options.capture is not None,
            out=options.out,
            progress=progress,
        )
    if options.capture is not None:
        _write_capture(done, options.capture)
    return "" if options.quiet else summary(done)


def report(options: argparse.Namespace) -> str:
    """Read a log or a saved run; return the summary to print."""
    from smssim.report import summary

    with _wrong_if(OSError, ValueError):
        record = _read(options.path)
    return summary(record)


def schema(options: argparse.Namespace) -> str:
    """The JSON Schema of scenario files, to print."""
    import json

    from smssim import scenario

    return json.dumps(scenario.schema(), indent=2, ensure_ascii=False) + "\n"


def _load(path: Path) -> Scenario:
    from smssim.scenario import Scenario

    return Scenario.load(path)


def _read(path: Path) -> Record:
    if path.is_dir():
        from smssim.disk import load

        return load(path)
    from smssim.logs import read_log

    return read_log(path)


def _check_writable(capture: Path | None) -> None:
    # Said before the simulation, not after it.
    if capture is not None and not capture.resolve().parent.is_dir():
        raise WrongInput(f"--capture {capture}: there is no directory {capture.resolve().parent}")


def _write_capture(done: Run, path: Path) -> None:
    from smssim.logs import write_capture

    with _wrong_if(OSError):
        write_capture(done, path)


@contextmanager
def _wrong_if(*kinds: type[Exception]) -> Iterator[None]:
    """Take errors of these kinds for the user's."""
    try:
        yield
    except BrokenPipeError:
        raise
    except kinds as error:
        raise WrongInput(_told(error)) from error


@contextmanager
def _progress(scenario: Scenario, shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over the simulated days on stderr, for people who wait."""
    if not shown:
        yield None
        return
    from tqdm import tqdm

    from smssim.calendars import DAY

    form = "{percentage:3.0f}% |{bar:30}| day {n:.0f} of {total}{postfix}"
    with tqdm(total=scenario.days, bar_format=form, leave=False, file=sys.stderr) as bar:

        def show(messages: int, simulated_us: int) -> None:
            bar.set_postfix_str(f"{messages:,} messages", refresh=False)
            bar.update(simulated_us / DAY - bar.n)

        yield show


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


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number >= 0")
    return int(text)


def _unknown_command(name: str) -> int:
    near = get_close_matches(name, COMMANDS, 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(COMMANDS)}"
    _complain(f"{name!r} is no command{hint}")
    return WRONG


def _explain(error: Exception) -> int:
    if isinstance(error, WrongInput):
        _complain(f"{error}")
        return WRONG
    told = _told(error).replace("\n", " ")
    _complain(f"failed: {type(error).__name__}: {told} (--debug shows where)")
    return FAILED


def _complain(text: str) -> None:
    sys.stderr.write(f"smssim: {text}\n")


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _print(text: str) -> None:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(text)
    sys.stdout.flush()


def _closed_pipe() -> int:
    # Python flushes stdout once more at its end, which would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


if __name__ == "__main__":
    sys.exit(main())
