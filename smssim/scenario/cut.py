"""What of a scenario lies outside another period, left out when `change` moves start or days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from smssim.scenario.account import Account
from smssim.scenario.errors.problems import Problem, ScenarioError, as_written
from smssim.scenario.fields import Instant, Int
from smssim.scenario.recurrence import every_month, moments_of

__all__ = ["cut_to_period"]

_PERIOD: TypeAdapter[tuple[datetime, int]] = TypeAdapter(tuple[Instant, Int])
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Instant)
_Entry = dict[str, Any]


def cut_to_period(data: _Entry, days: Any) -> tuple[_Entry, list[Problem]]:
    """Plain data of a scenario without what lies outside its start and *days*; what was cut.

    Sources, packages and outages of the callback server are cut. Data whose period cannot be read
    is left as it is. Raise a ScenarioError where a cut would renumber packages that a check counts.
    """
    try:
        start, n = _PERIOD.validate_python((data.get("start"), data.get("days", days)))
        zone = (data.get("account") or {}).get("expiry_zone", Account().expiry_zone)
        return _cut(dict(data), _Cut(start, start + timedelta(days=n), zone))
    except (ValidationError, OverflowError, TypeError, AttributeError):
        return data, []  # Validation says what is wrong with it.


def _cut(data: _Entry, cut: _Cut) -> tuple[_Entry, list[Problem]]:
    for section, keep in (
        ("traffic", cut.windowed),
        ("calls", cut.called),
        ("group_tasks", cut.task),
        ("packages", cut.package),
    ):
        if section in data:
            data[section] = cut.entries((section,), data[section], keep)
    callback = data.get("callback")
    if isinstance(callback, dict) and callback.get("outages"):
        outages = cut.entries(("callback", "outages"), callback["outages"], cut.outage)
        data["callback"] = callback | {"outages": outages}
    if any(problem.path.startswith("packages.") for problem in cut.problems):
        _check_numbers(data, cut.problems)
    return data, cut.problems


def _check_numbers(data: _Entry, problems: list[Problem]) -> None:
    for i, check in enumerate(data.get("checks", ())):
        where = check.get("where") or {}
        if where.get("package") is not None or "package." in check["metric"]:
            first = next(p.path for p in problems if p.path.startswith("packages."))
            message = f"{first} lies outside the run, and without it the check counts others"
            raise ScenarioError([Problem(message, f"checks.{i}")])


class _Cut:
    """A period, and the problems of what it has cut so far.

    Each of its functions of an entry gives what is left of it, None if nothing is.
    """

    def __init__(self, start: datetime, end: datetime, zone: str) -> None:
        self.start, self.end, self._zone = start, end, zone
        self.problems: list[Problem] = []

    def entries(
        self, path: tuple[str, ...], entries: Any, keep: Callable[[_Entry], _Entry | None]
    ) -> list[_Entry]:
        """What is left of a list's entries; a problem for each that is changed or left out."""
        left = []
        for i, entry in enumerate(entries):
            kept = keep(entry)
            if kept is not None:
                left.append(kept)
            if kept != entry:
                named = f"{entry['name']!r}" if "name" in entry else "this entry"
                part = "" if kept is None else "part of "
                run = f"{as_written(self.start)} to {as_written(self.end)}"
                message = f"{part}{named} lies outside the new run, {run}: it is cut"
                self.problems.append(Problem(message, ".".join((*path, str(i)))))
        return left

    def windowed(self, entry: _Entry) -> _Entry | None:
        """A source with `starts` and `ends`, within the period."""
        starts, ends = _moment(entry.get("starts")), _moment(entry.get("ends"))
        if (starts is not None and starts >= self.end) or (ends is not None and ends <= self.start):
            return None
        outside = {"starts"} if starts is not None and starts < self.start else set()
        outside |= {"ends"} if ends is not None and ends > self.end else set()
        return {key: value for key, value in entry.items() if key not in outside}

    def called(self, entry: _Entry) -> _Entry | None:
        """Requests written out, those within the period."""
        calls = [call for call in entry["calls"] if self._holds(call["at"])]
        return None if not calls else entry | {"calls": type(entry["calls"])(calls)}

    def task(self, entry: _Entry) -> _Entry | None:
        """A group task that starts within the period, on some date if it recurs."""
        if entry.get("every") is None:
            return entry if self._holds(entry["at"]) else None
        kept = self.windowed(entry)
        if kept is None:
            return None
        first = _moment(kept.get("starts")) or self.start
        last = _moment(kept.get("ends")) or self.end
        dates = moments_of(entry["every"], entry["zone"], first, last)
        return kept if next(dates, None) else None

    def package(self, entry: _Entry) -> _Entry | None:
        """A package that is bought within the period, or its renewals from the first one there."""
        at = _moment(entry.get("at"))
        if at is None or self._holds(at):
            return entry
        if entry.get("renew") is None or at >= self.end:
            return None
        until = min(self.end, _moment(entry.get("renew_until")) or self.end)
        moments = every_month(at, self._zone, until)
        first = next((moment for moment in moments if moment >= self.start), None)
        return None if first is None else entry | {"at": first}

    def outage(self, entry: _Entry) -> _Entry | None:
        """An outage of which some part is within the period."""
        at = _MOMENT.validate_python(entry["at"])
        over = at + timedelta(minutes=float(entry["minutes"]))
        return entry if at < self.end and over > self.start else None

    def _holds(self, value: Any) -> bool:
        return self.start <= _MOMENT.validate_python(value) < self.end


def _moment(value: Any) -> datetime | None:
    return None if value is None else _MOMENT.validate_python(value)
