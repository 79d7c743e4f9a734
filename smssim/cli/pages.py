"""`--html` and `--xlsx`: the reports of a record as files to hand on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.cli.output import writable, wrong_if

if TYPE_CHECKING:
    from smssim.record.record import Record


def add_page_options(parser: argparse.ArgumentParser) -> None:
    """Say which files a command can write."""
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the reports as one HTML page"
    )
    parser.add_argument(
        "--xlsx", type=Path, metavar="FILE", help="write the tables of the reports as a workbook"
    )


def check_pages(options: argparse.Namespace) -> None:
    """Say before the work begins that a file cannot be written after it."""
    for name in ("html", "xlsx"):
        writable(f"--{name}", getattr(options, name))


def write_pages(record: Record, options: argparse.Namespace) -> None:
    """Write the files that were asked for."""
    if options.html is None and options.xlsx is None:
        return
    from smssim.pages.page import page

    made = page(record)
    with wrong_if(OSError):
        if options.html is not None:
            made.save(options.html)
        if options.xlsx is not None:
            made.xlsx(options.xlsx)
