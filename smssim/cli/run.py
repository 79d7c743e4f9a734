"""`smssim run` simulates a scenario, `smssim report` reads a log or a saved run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.options import (
    add_log_options,
    add_many_options,
    add_page_options,
    add_scenario_argument,
    day_bar,
    failures,
    page_files,
    positive,
    whole,
    write_pages,
)
from smssim.cli.output import (
    FAILED,
    Unfulfilled,
    WrongInput,
    check_writes,
    files_of,
    warn_of,
    wrong_if,
)
from smssim.cli.replicate import many_runs

if TYPE_CHECKING:
    from smssim.record.record import Record
    from smssim.simulation.simulate import Run

__all__ = ["add_report_options", "add_run_options", "report_command", "run_command"]


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What `run` takes."""
    add_scenario_argument(parser)
    parser.add_argument(
        "--n", type=positive, metavar="N", help="simulate it N times and print intervals"
    )
    parser.add_argument(
        "--replication", type=whole, metavar="K", help="which run of that seed (default: 0)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="store the run in this directory, as Parquet"
    )
    parser.add_argument(
        "--capture", type=Path, metavar="FILE", help="write what the customer's server would log"
    )
    add_page_options(parser)
    add_many_options(parser)
    parser.add_argument("--quiet", action="store_true", help="print no summary")


def run_command(options: argparse.Namespace) -> str:
    """Simulate a scenario, once or many times; return the summary to print."""
    if options.n is not None:
        return _many(options)
    from smssim.pages.summary import summary
    from smssim.scenario import Scenario
    from smssim.simulation.simulate import simulate

    with wrong_if(OSError, ValueError):
        scenario = Scenario.load(options.scenario)
        # Refused before the simulation, not after it.
        writes = {"--capture": options.capture, **page_files(options)}
        check_writes(writes, [options.scenario, *files_of(scenario)])
        warn_of(scenario)
    with wrong_if(OSError, ValueError), day_bar(options, scenario.days) as progress:
        run = simulate(
            scenario,
            rng=options.rng,
            replication=options.replication or 0,
            rows=options.capture is not None,
            out=options.out,
            progress=progress,
        )
    if options.capture is not None:
        _write_capture(run, options.capture)
    write_pages(run, options)
    return "" if options.quiet else summary(run)


def _many(options: argparse.Namespace) -> str:
    """Simulate a scenario many times; a page shows the first run, and the intervals of all."""
    from smssim.pages.intervals import replicated
    from smssim.simulation.simulate import simulate

    for name in ("replication", "out", "capture"):
        if getattr(options, name) is not None:
            raise WrongInput(f"--{name} is for a single run: leave out --n")
    experiment = many_runs(options, page_files(options))
    notes = failures(experiment)
    if options.html is not None or options.xlsx is not None:
        scenario = experiment.designs[0].scenario
        write_pages(simulate(scenario, rng=options.rng, rows=False), options, experiment)
    return "" if options.quiet else replicated(experiment, notes=notes)


def _write_capture(run: Run, path: Path) -> None:
    from smssim.logs import write_capture

    with wrong_if(OSError):
        write_capture(run, path)


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """What `report` takes."""
    parser.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="an export, a capture, a directory of them, or a directory from --out",
    )
    add_log_options(parser)
    parser.add_argument(
        "--tariff", type=Path, metavar="FILE", help="prices by country (CSV), to rate a log with"
    )
    parser.add_argument(
        "--packages",
        type=Path,
        metavar="FILE",
        help="packages bought (YAML), used up before pay-per-use",
    )
    parser.add_argument(
        "--table", metavar="NAME", help="table of an SQLite database with several candidates"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if any record cannot be used"
    )
    parser.add_argument(
        "--quarantine", type=Path, metavar="FILE", help="write quarantined records as CSV"
    )
    parser.add_argument(
        "--show-numbers", action="store_true", help="show phone numbers of quarantined records"
    )
    parser.add_argument(
        "--bridge", type=Path, metavar="BEFORE", help="print why its bill differs from that of this"
    )
    add_page_options(parser)


def report_command(options: argparse.Namespace) -> tuple[str, int]:
    """Read a log or a saved run; return the summary to print, and 1 if no record was usable."""
    from smssim.pages.data_quality import nothing_usable
    from smssim.pages.summary import summary

    # Refused before the reading, which may take minutes.
    writes = {"--quarantine": options.quarantine, **page_files(options)}
    reads = [options.path, options.columns, options.tariff, options.packages, options.bridge]
    check_writes(writes, reads)
    if options.packages is not None and options.tariff is None:
        raise WrongInput(
            "--packages: what no package covers has a price; give it with --tariff FILE"
        )
    with wrong_if(OSError, ValueError):
        record = _read(options.path, options)
        bridge = "" if options.bridge is None else _bridge(record, options)
        if options.quarantine is not None:
            _write_quarantine(record, options.quarantine)
    write_pages(record, options)
    if options.strict:
        _check_complete(record)
    return summary(record) + bridge, FAILED if nothing_usable(record) else 0


def _bridge(record: Record, options: argparse.Namespace) -> str:
    """Why the bill differs from that of `--bridge`, a line a factor."""
    from smssim.report.bill_bridge import bill_bridge

    frame = bill_bridge(_read(options.bridge, options), record)
    names = [
        f"bill of {options.bridge.name}",
        *frame["factor"][1:-1],
        f"bill of {options.path.name}",
    ]
    currency = record.currency or "currency"
    lines = []
    for row, (name, micro) in enumerate(zip(names, frame["amount_micro"], strict=True)):
        sign = "+" if 0 < row < len(names) - 1 else ""
        lines.append(f"  {name:<32} {micro / 1e6:>{sign}14,.2f} {currency}")
    return "\n".join(["\n\nWHY THE BILL CHANGED", *lines, ""])


def _read(path: Path, options: argparse.Namespace) -> Record:
    from smssim.logs import read_log
    from smssim.record.storage import is_record, load

    if is_record(path):
        _check_saved(path, options)
        record = load(path)
    else:
        record = read_log(
            path,
            columns=options.columns,
            tz=options.tz,
            encoding=options.encoding,
            table=options.table,
            # A page shows outages of the customer's server, which only arrivals one by one show.
            rows=bool(options.tariff or options.html),
            show_numbers=options.show_numbers,
        )
    if options.tariff is not None:
        from smssim.report.rating.rate import rate
        from smssim.report.rating.terms import read_terms

        terms = {} if options.packages is None else read_terms(options.packages)
        record = rate(record, options.tariff, **terms)
    return record


def _check_saved(path: Path, options: argparse.Namespace) -> None:
    """Raise a WrongInput for an option that says how to read what needs no reading."""
    for name in ("columns", "tz", "table"):
        if getattr(options, name) is not None:
            raise WrongInput(f"--{name}: {path} is a saved record, which says its own")


def _write_quarantine(record: Record, path: Path) -> None:
    from smssim.pages.spreadsheets import write_csv

    if record.quarantine is None:
        raise WrongInput(f"--quarantine {path}: nothing is left out of a run that was simulated")
    write_csv(record.quarantine, path)


def _check_complete(record: Record) -> None:
    from smssim.logs import QuarantinedError

    if record.provenance.get("counts", {}).get("quarantined"):
        raise Unfulfilled(str(QuarantinedError(record)))
