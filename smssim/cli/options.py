"""Options that several commands share, and what they stand for: changes, runs, progress, pages."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smssim.cli.output import Unfulfilled, WrongInput, wrong_if

if TYPE_CHECKING:
    from smssim.experiment import Experiment
    from smssim.record.record import Record
    from smssim.scenario import Scenario

__all__ = [
    "Progress",
    "above_0",
    "add_log_options",
    "add_many_options",
    "add_metric_option",
    "add_page_options",
    "add_progress_option",
    "add_rng_option",
    "add_running_options",
    "add_scenario_argument",
    "add_set_option",
    "changes_of",
    "day_bar",
    "failures",
    "finite",
    "notes_on_prices",
    "page_files",
    "positive",
    "progress_bar",
    "run_options",
    "running_options",
    "unknown_metrics",
    "whole",
    "write_pages",
]

Progress = Callable[[int, int, float], None]


def add_scenario_argument(parser: argparse.ArgumentParser) -> None:
    """The scenario file, the first argument of most commands."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="a scenario file in YAML")


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """How the files of a log are read."""
    parser.add_argument(
        "--columns", type=Path, metavar="FILE", help="YAML file that maps columns to fields"
    )
    parser.add_argument(
        "--tz", metavar="ZONE", help="time zone of times without one, such as UTC+8"
    )
    parser.add_argument("--encoding", metavar="NAME", help="text encoding, such as GB18030")


def add_rng_option(parser: argparse.ArgumentParser) -> None:
    """`--rng`."""
    parser.add_argument(
        "--rng",
        type=whole,
        metavar="N",
        help="seed of the random numbers (default: the scenario's)",
    )


def add_progress_option(parser: argparse.ArgumentParser) -> None:
    """`--no-progress`."""
    parser.add_argument("--no-progress", action="store_true", help="show no progress bar")


def add_many_options(parser: argparse.ArgumentParser) -> None:
    """What all commands of many runs take."""
    add_rng_option(parser)
    add_running_options(parser)


def add_running_options(parser: argparse.ArgumentParser) -> None:
    """Where and how many runs are made, which changes no result."""
    parser.add_argument(
        "--workers",
        type=positive,
        metavar="K",
        help="number of worker processes (default: one per core)",
    )
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="store runs in this directory and reuse them"
    )
    add_progress_option(parser)


def add_set_option(parser: argparse.ArgumentParser, values: str, required: bool) -> None:
    """`--set`, as often as there are paths to change."""
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        required=required,
        metavar=f"PATH={values}",
        help="value to change, by its path in the scenario file: packages.0.segments=5000",
    )


def add_metric_option(parser: argparse.ArgumentParser, usual: str) -> None:
    """`--metric`, as often as there are figures to show."""
    parser.add_argument(
        "--metric",
        dest="metrics",
        action="append",
        default=[],
        metavar="M",
        help=f"figure to show, a name of smssim.metrics (default: {usual}); may be repeated",
    )


def add_page_options(parser: argparse.ArgumentParser) -> None:
    """`--html` and `--xlsx`: the reports of a record as files to hand on."""
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the reports as one HTML page"
    )
    parser.add_argument(
        "--xlsx", type=Path, metavar="FILE", help="write the tables of the reports as a workbook"
    )


def page_files(options: argparse.Namespace) -> dict[str, Path | None]:
    """The pages to write, by option."""
    return {"--html": options.html, "--xlsx": options.xlsx}


def write_pages(
    record: Record, options: argparse.Namespace, runs: Experiment | None = None
) -> None:
    """Write the requested pages, with the intervals of many *runs* if there are some."""
    if options.html is None and options.xlsx is None:
        return
    from smssim.pages.page import page

    report = page(record, runs=runs)
    with wrong_if(OSError):
        if options.html is not None:
            report.save(options.html)
        if options.xlsx is not None:
            report.xlsx(options.xlsx)


def changes_of(options: argparse.Namespace) -> dict[str, list[Any]]:
    """The values by path of all `--set`. Raise a WrongInput for one that cannot be read."""
    from smssim.scenario.errors.problems import is_secret
    from smssim.scenario.errors.yaml_locations import Text

    changes: dict[str, list[Any]] = {}
    for text in options.changes:
        path, equals, values = text.partition("=")
        path = path.strip()
        if not (path and equals and values.strip()):
            raise WrongInput(f"--set {path or text}: must be PATH=VALUE")
        if path in changes:
            raise WrongInput(f"--set {path}: appears twice")
        if is_secret(path.rpartition(".")[2]):
            raise WrongInput(f"--set {path}: a secret changes no figure, and is set in the file")
        with wrong_if(ValueError):
            changes[path] = Text(f"[{values}]", f"--set {path}").data
    return changes


def notes_on_prices(scenario: Scenario, paths: Iterable[str]) -> list[str]:
    """A line for each package whose size is changed and whose price stays as it is."""
    from smssim.formatting import number, wrapped

    notes, paths = [], list(paths)
    for path in paths:
        name, _, field = path.rpartition(".")
        _, _, index = name.partition("packages.")
        if field != "segments" or not index.isdigit() or int(index) >= len(scenario.packages):
            continue
        package = scenario.packages[int(index)]
        if package.price and package.price_per_segment is None and f"{name}.price" not in paths:
            price = f"{number(package.price)} {scenario.currency}"
            notes += wrapped(
                f"{path}: the package costs {price} whatever its size; give it price_per_segment, "
                "not price, if a larger one shall cost more"
            )
    return notes


def run_options(options: argparse.Namespace, progress: Progress | None) -> dict[str, Any]:
    """The arguments that all functions of experiments take."""
    return {"rng": options.rng, **running_options(options, progress)}


def running_options(options: argparse.Namespace, progress: Progress | None) -> dict[str, Any]:
    """Those of them that change no result."""
    return {"workers": options.workers, "store": options.store, "progress": progress}


@contextmanager
def progress_bar(options: argparse.Namespace) -> Iterator[Progress | None]:
    """A bar over the runs with the time left, on stderr, for people who wait."""
    if options.no_progress or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    from smssim.formatting import duration

    form = "{percentage:3.0f}% |{bar:30}| run {n:,} of {total:,}{postfix}"
    with tqdm(bar_format=form, total=1, leave=False, file=sys.stderr) as bar:

        def show(done: int, of: int, left_s: float) -> None:
            if of != bar.total or done <= bar.n:
                bar.reset(of)
            bar.set_postfix_str(f"{duration(left_s)} left", refresh=False)
            bar.update(done - bar.n)
            if done == of:
                bar.refresh()

        yield show


@contextmanager
def day_bar(options: argparse.Namespace, days: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar over the simulated days on stderr, for people who wait."""
    if options.no_progress or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    from smssim.calendars import DAY

    form = "{percentage:3.0f}% |{bar:30}| day {n:.0f} of {total}{postfix}"
    with tqdm(total=days, bar_format=form, leave=False, file=sys.stderr) as bar:

        def show(messages: int, simulated_us: int) -> None:
            if simulated_us / DAY < bar.n:
                bar.reset()
            bar.set_postfix_str(f"{messages:,} messages", refresh=False)
            bar.update(simulated_us / DAY - bar.n)

        yield show


def failures(experiment: Experiment) -> list[str]:
    """A line about runs that failed, if any did. Raise an Unfulfilled if all of them did."""
    if not experiment.failed:
        return []
    first = next(result.error for result in experiment.results.values() if result.error)
    runs = f"{experiment.failed} of {len(experiment.results)} runs"
    message = f"{runs} failed and are left out: {first}"
    if experiment.failed == len(experiment.results):
        raise Unfulfilled(message)
    return [message]


def unknown_metrics(names: Sequence[str]) -> None:
    """Raise a WrongInput for a figure that does not exist, before anything is run."""
    from smssim.metrics import METRICS

    for name in names:
        if name.partition("[")[0] not in METRICS:
            raise WrongInput(f"--metric {name}: must be one of {', '.join(METRICS)}")


def whole(text: str) -> int:
    """A whole number from 0 on, for argparse."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number >= 0")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number >= 1")
    return int(text)


def finite(text: str) -> float:
    """A number, for argparse; a whole one stays whole, as a count must not become 3.0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number")
    return int(value) if value.is_integer() else value


def above_0(text: str) -> float:
    """A number above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number > 0")
    return value
