"""Pictures can be read: at the size of a slide no words lie on others, and none are cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from picture_texts import legends_over_data, outside, overlaps

from smssim import plots, read_log
from smssim.record import Record
from smssim.run import simulate
from smssim.scenario import Scenario

DATA = Path(__file__).parents[1] / "data"
SCENARIOS = sorted(path.stem for path in (DATA / "scenarios").glob("*.yaml"))
LOGS = ["capture", "console", "western"]
INVENTED = ["nothing", "one message", "40 countries"]
PICTURES: dict[str, Callable[..., Axes]] = {
    "burn_down": plots.burn_down,
    "cost": plots.cost,
    "cost_by_day": plots.cost_by_day,
    "failures": plots.failures,
    "heat_map": plots.heat_map,
    "latency": plots.latency,
    "onboarding": plots.onboarding,
    "review": plots.review,
    "thresholds": plots.thresholds,
    "waterfall": plots.waterfall,
}
WIDE = {"nothing", "launch", "40 countries", "console"}
"""Records that are drawn with every option, too."""
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("cost_by_day", {"figure": "messages"}),
    ("heat_map", {"measure": "not_delivered", "zone": "Asia/Kathmandu"}),
    ("heat_map", {"measure": "refused"}),
    ("latency", {"by": "type"}),
    ("thresholds", {"period": "month"}),
]


@cache
def record(name: str) -> Record:
    if name in SCENARIOS:
        return simulate(DATA / "scenarios" / f"{name}.yaml", rows=False)
    if name in LOGS:
        return read_log(DATA / "exports" / name, tz="Asia/Shanghai")
    return simulate(Scenario.model_validate(invented(name)), rows=False)


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


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    mpl.use("agg")
    yield
    plt.close("all")


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("of", [*SCENARIOS, *LOGS, *INVENTED])
def test_words_are_apart_and_within_the_slide(of: str, name: str) -> None:
    before = dict(mpl.rcParams)
    ax = PICTURES[name](record(of))
    assert dict(mpl.rcParams) == before
    _assert_readable(ax)


@pytest.mark.parametrize(("name", "options"), OPTIONS)
@pytest.mark.parametrize("of", sorted(WIDE))
def test_so_they_are_with_other_options(of: str, name: str, options: dict[str, Any]) -> None:
    _assert_readable(PICTURES[name](record(of), **options))


def _assert_readable(ax: Axes) -> None:
    figure: Any = ax.figure
    assert ax.get_title(loc="left")
    assert len(ax.get_title(loc="left").splitlines()) <= 2
    assert overlaps(figure) == []
    assert outside(figure) == []
    assert legends_over_data(ax) == []


def test_words_on_others_are_found() -> None:
    """The tests above can fail."""
    _, ax = plt.subplots()
    ax.text(0.5, 0.5, "one")
    ax.text(0.51, 0.5, "two")
    ax.text(0.99, 0.2, "a word beyond the edge")
    assert overlaps(ax.figure) == [("one", "two")]
    assert outside(ax.figure) == ["a word beyond the edge"]
    ax.plot([0, 1], [0, 1], label="line")
    ax.legend(loc="center")
    assert legends_over_data(ax) == ["line"]
