"""A scenario at a glance in a notebook: a small table of HTML, without JavaScript."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING

from smssim.scenario.errors.problems import said
from smssim.scenario.sources import GroupTask

if TYPE_CHECKING:
    from smssim.scenario.scenario import Scenario, Source

_MODES = {
    "pay_per_use": "1, pay_per_use: what no package covers is billed",
    "suspend": "2, suspend: sending stops when packages run out",
}
_SHOWN = 12


def card(scenario: Scenario) -> str:
    """Name, period, mode, sources with their expected messages, packages and thresholds."""
    end = scenario.start + timedelta(days=scenario.days)
    thresholds = scenario.thresholds
    rows = [
        ("scenario", [scenario.name]),
        ("period", [f"{said(scenario.start)} to {said(end)}, {scenario.days} days"]),
        ("mode", [_MODES[scenario.account.service_mode]]),
        ("sources", _some([_source(scenario, source) for source in scenario.sources])),
        ("packages", _some(_packages(scenario))),
        ("a day", [f"alarm {thresholds.daily_alarm:,}, limit {thresholds.daily_limit:,}"]),
        ("a month", [f"alarm {thresholds.monthly_alarm:,}, limit {thresholds.monthly_limit:,}"]),
    ]
    body = "".join(
        f"<tr><th>{escape(name)}</th><td>{'<br>'.join(map(escape, lines))}</td></tr>"
        for name, lines in rows
    )
    return f'<table class="smssim-scenario"><tbody>{body}</tbody></table>'


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return lines[:_SHOWN] + [f"and {more} more"] * (more > 0) or ["none"]


def _source(scenario: Scenario, source: Source) -> str:
    if isinstance(source, GroupTask):
        total = sum(source.countries.values())
        if source.file is not None:
            return f"{source.name}: the numbers of {source.file} from {said(source.at)}"
        return f"{source.name}: {total:,} messages to {', '.join(source.countries)}"
    expected = source.expected(scenario.start_us, scenario.end_us)
    again = ", and resends" if source.resend or source.server_resend else ""
    return f"{source.name}: about {expected:,.0f} messages to {source.country}{again}"


def _packages(scenario: Scenario) -> list[str]:
    return [
        f"{package.country}: {package.segments:,} segments for {package.price:,g} "
        f"{scenario.currency} from {said(package.at or scenario.start)}"
        for package in scenario.packages
    ]
