"""A small world for tests of single rules: one application, plain routes, requests by the clock."""

from __future__ import annotations

from typing import Any

from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

ROUTE: dict[str, Any] = {
    "price": 0.05,
    "outcomes": [{"status": "DELIVRD", "share": 1}],
    "latency": 3,
}


def requests(*made: str, country: str = "ID") -> dict[str, Any]:
    """Requests to one country, each written as `01:00 x 5`: its moment and its numbers."""
    calls = []
    for request in made:
        at, _, numbers = request.partition(" x ")
        calls.append({"at": f"2026-03-02T{at}Z", "to": [{}] * int(numbers or 1)})
    return {"name": f"api {country}", "template": "code", "country": country, "calls": calls}


def world(*calls: dict[str, Any], **changes: Any) -> Scenario:
    """A Monday with these requests and no limit in sight, where nothing else is said."""
    made: dict[str, Any] = {
        "start": "2026-03-02",
        "days": 1,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "routes": {"ID": ROUTE, "TH": ROUTE},
        "calls": list(calls),
    }
    return Scenario.model_validate(made | changes)


def day(*calls: dict[str, Any], **changes: Any) -> Run:
    """That Monday, simulated."""
    return simulate(world(*calls, **changes))


def column(run: Run, name: str) -> list[Any]:
    """A column of the messages as plain values, None where it is NA."""
    assert run.messages is not None
    values = run.messages[name].astype(object)
    return values.where(values.notna(), None).tolist()


def events(run: Run, *names: str) -> list[tuple[str, str]]:
    """The events of these names with their subjects, in order."""
    assert run.events is not None
    own = run.events[run.events["event"].isin(names)]
    return list(zip(own["event"], own["subject"], strict=True))
