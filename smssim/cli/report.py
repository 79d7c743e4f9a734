"""`smssim report`: read a log or a saved run."""

from __future__ import annotations

import argparse
from pathlib import Path

from smssim.cli.told import wrong_if


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a capture, or a directory from --out"
    )


def command(options: argparse.Namespace) -> str:
    """Read a log or a saved run; return the summary to print."""
    from smssim.disk import load
    from smssim.logs import read_log
    from smssim.report import summary

    path: Path = options.path
    with wrong_if(OSError, ValueError):
        record = load(path) if path.is_dir() else read_log(path)
    return summary(record)
