"""`smssim report`: read a log or a saved run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.output import Unfulfilled, WrongInput, writable, wrong_if
from smssim.cli.pages import add_page_options, check_pages, write_pages

if TYPE_CHECKING:
    from smssim.record.record import Record


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="an export, a capture, a directory of them, or a directory from --out",
    )
    parser.add_argument(
        "--columns", type=Path, metavar="FILE", help="which column is which, in YAML"
    )
    parser.add_argument("--tz", metavar="ZONE", help="zone of times that say none, as in UTC+8")
    parser.add_argument(
        "--tariff", type=Path, metavar="FILE", help="prices by country (CSV), to rate a log with"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if any record cannot be used"
    )
    parser.add_argument(
        "--quarantine", type=Path, metavar="FILE", help="write what could not be used as CSV"
    )
    parser.add_argument(
        "--show-numbers", action="store_true", help="show phone numbers of what could not be used"
    )
    add_page_options(parser)


def command(options: argparse.Namespace) -> str:
    """Read a log or a saved run; return the summary to print."""
    from smssim.pages.summary import summary

    check_pages(options)
    # Said before the reading, which may take minutes.
    writable("--quarantine", options.quarantine)
    with wrong_if(OSError, ValueError):
        record = _read(options)
        if options.quarantine is not None:
            _write_quarantine(record, options.quarantine)
    write_pages(record, options)
    if options.strict:
        _check_complete(record)
    return summary(record)


def _read(options: argparse.Namespace) -> Record:
    from smssim.logs import read_log
    from smssim.record.storage import is_record, load

    path: Path = options.path
    if is_record(path):
        _check_saved(options)
        record = load(path)
    else:
        record = read_log(
            path,
            columns=options.columns,
            tz=options.tz,
            # A page shows outages of the customer's server, which only arrivals one by one tell.
            rows=bool(options.tariff or options.html),
            show_numbers=options.show_numbers,
        )
    if options.tariff is not None:
        from smssim.report.rating.rate import rate

        record = rate(record, options.tariff)
    return record


def _check_saved(options: argparse.Namespace) -> None:
    """Raise a WrongInput for an option that says how to read what needs no reading."""
    for name in ("columns", "tz"):
        if getattr(options, name) is not None:
            raise WrongInput(f"--{name}: {options.path} is a saved record, which says its own")


def _write_quarantine(record: Record, path: Path) -> None:
    from smssim.pages.spreadsheets import write_csv

    if record.quarantine is None:
        raise WrongInput(f"--quarantine {path}: nothing is left out of a run that was simulated")
    write_csv(record.quarantine, path)


def _check_complete(record: Record) -> None:
    from smssim.logs import QuarantinedError

    if record.provenance.get("counts", {}).get("quarantined"):
        raise Unfulfilled(str(QuarantinedError(record)))
