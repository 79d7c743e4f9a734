"""`smssim run`: simulate a scenario."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.many import whole
from smssim.cli.output import writable, wrong_if
from smssim.cli.pages import add_page_options, check_pages, write_pages

if TYPE_CHECKING:
    from smssim.scenario import Scenario
    from smssim.simulation.simulate import Run


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="a scenario file in YAML")
    parser.add_argument(
        "--rng", type=whole, metavar="N", help="seed of the random numbers (the scenario's)"
    )
    parser.add_argument(
        "--replication", type=whole, default=0, metavar="K", help="which month of that seed (0)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep the run in this directory, as Parquet"
    )
    parser.add_argument(
        "--capture", type=Path, metavar="FILE", help="write what the customer's server would log"
    )
    add_page_options(parser)
    parser.add_argument("--no-progress", action="store_true", help="show no progress bar")
    parser.add_argument("--quiet", action="store_true", help="print no summary")


def command(options: argparse.Namespace) -> str:
    """Simulate a scenario; return the summary to print."""
    from smssim.pages.summary import summary
    from smssim.simulation.simulate import simulate

    with wrong_if(OSError, ValueError):
        scenario = _load(options.scenario)
        # Said before the simulation, not after it.
        writable("--capture", options.capture)
        check_pages(options)
    shown = sys.stderr.isatty() and not options.no_progress
    with wrong_if(OSError, ValueError), _progress(scenario, shown) as progress:
        done = simulate(
            scenario,
            rng=options.rng,
            replication=options.replication,
            rows=options.capture is not None,
            out=options.out,
            progress=progress,
        )
    if options.capture is not None:
        _write_capture(done, options.capture)
    write_pages(done, options)
    return "" if options.quiet else summary(done)


def _load(path: Path) -> Scenario:
    from smssim.scenario import Scenario

    return Scenario.load(path)


def _write_capture(done: Run, path: Path) -> None:
    from smssim.logs import write_capture

    with wrong_if(OSError):
        write_capture(done, path)


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
