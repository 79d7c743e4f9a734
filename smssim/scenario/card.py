"""A scenario as a table in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from smssim.formatting import html_table
from smssim.scenario.errors.problems import as_written
from smssim.scenario.group_tasks import GroupTask

__all__ = ["card_of"]

_MODES = {
    "pay_per_use": "1, pay_per_use: what no package covers is billed",
    "suspend": "2, suspend: sending stops when packages run out",
}
_MOST_LINES = 12
"""Sources or packages that a notebook lists."""


def card_of(scenario: Any) -> str:
    """A table for notebooks: name, period, mode, sources, packages and thresholds."""
    end = scenario.end
    thresholds = scenario.thresholds
    rows = [
        ("scenario", [scenario.name]),
        ("period", [f"{as_written(scenario.start)} to {as_written(end)}, {scenario.days} days"]),
        ("mode", [_MODES[scenario.account.service_mode]]),
        ("sources", _first_lines([_source_line(scenario, source) for source in scenario.sources])),
        ("packages", _first_lines(_package_lines(scenario))),
        ("a day", [f"alarm {thresholds.daily_alarm:,}, limit {thresholds.daily_limit:,}"]),
        ("a month", [f"alarm {thresholds.monthly_alarm:,}, limit {thresholds.monthly_limit:,}"]),
    ]
    if scenario.ranges:
        rows.append(("ranges", _first_lines([f"{one.path}: {one}" for one in scenario.ranges])))
    if scenario.warnings:
        rows.append(("warnings", _first_lines([str(warning) for warning in scenario.warnings])))
    return html_table(
        "smssim-scenario",
        [(name, "\n".join(lines)) for name, lines in rows],
        row_headers=True,
        cell=lambda text: escape(text).replace("\n", "<br>"),
    )


def _first_lines(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return lines[:_MOST_LINES] + [f"and {more} more"] * (more > 0) or ["none"]


def _source_line(scenario: Any, source: Any) -> str:
    if isinstance(source, GroupTask):
        total = sum(source.countries.values())
        if source.file is not None:
            return f"{source.name}: the numbers of {source.file} from {as_written(source.at)}"
        return f"{source.name}: {total:,} messages to {', '.join(source.countries)}"
    expected = scenario.expected_messages(source)
    again = ", and resends" if source.resend or source.server_resend else ""
    return f"{source.name}: about {expected:,.0f} messages to {source.country}{again}"


def _package_lines(scenario: Any) -> list[str]:
    return [
        f"{package.country}: {package.segments:,} segments for {package.price_micro / 1e6:,g} "
        f"{scenario.currency} from {as_written(package.at or scenario.start)}"
        for package in scenario.purchases
    ]
