"""`smssim schema`: print the JSON Schema of scenario files."""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command takes nothing."""


def command(options: argparse.Namespace) -> str:
    """The JSON Schema of scenario files, to print."""
    import json

    from smssim import scenario

    return json.dumps(scenario.schema(), indent=2, ensure_ascii=False) + "\n"
