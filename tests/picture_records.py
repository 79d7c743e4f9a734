"""Records that pictures are drawn of in tests: all that are shipped, and a few extremes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from smssim import read_log
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate

DATA = Path(__file__).parents[1] / "data"
SCENARIOS = sorted(path.stem for path in (DATA / "scenarios").glob("*.yaml"))
LOGS = ["capture", "console", "western"]
INVENTED = ["nothing", "one message", "40 countries"]
_BIG = {"launch", "million_campaign"}


@cache
def record(name: str) -> Record:
    if name in SCENARIOS:
        return simulate(DATA / "scenarios" / f"{name}.yaml", rows=name not in _BIG)
    if name in LOGS:
        return read_log(DATA / "exports" / name, tz="Asia/Shanghai")
    return simulate(Scenario.model_validate(invented(name)))


def invented(name: str) -> dict[str, Any]:
    """A scenario that sends nothing, one message, or to many countries."""
    plain: dict[str, Any] = {
        "start": "2026-03-02",
        "days": 3,
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
    }
    if name == "nothing":
        return plain
    if name == "one message":
        task = {"name": "one", "template": "code", "created": "2026-03-01T01:00:00Z"}
        task |= {"at": "2026-03-02T10:00:00Z", "countries": {"ID": 1}}
        return plain | {"group_tasks": [task], "routes": {"ID": {"price": 0.35}}}
    some = "ID TH IN PH AD AE AM AU BD BJ BR BZ CI CU DE EC ET FR GP GW HT JE KH KW LI LV MN MT MZ"
    countries = [*some.split(), *["NI", "NZ", "RO", "SC", "SR", "SZ", "TO", "UA", "ZA", "ZM", "PE"]]
    assert len(countries) == len(set(countries)) == 40
    traffic = [
        {"name": f"to {c}", "template": "code", "country": c, "messages_a_day": 20 + 5 * n}
        for n, c in enumerate(countries)
    ]
    return plain | {
        "days": 12,
        "quota": {"daily_limit": 40_000, "monthly_limit": 400_000},
        "thresholds": {
            **{"daily_alarm": 30_000, "daily_limit": 40_000},
            **{"monthly_alarm": 300_000, "monthly_limit": 400_000},
        },
        "packages": [
            {"country": c, "segments": 200 + 100 * n} for n, c in enumerate(countries[:4])
        ],
        "routes": {c: {"price": n / 100} for n, c in enumerate(countries, 1)},
        "traffic": traffic,
    }
