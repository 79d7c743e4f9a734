"""Why a bill changed: exact sums, no order of factors, and each factor alone."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from worlds import worlds

from smssim import Record, Scenario, plots, report, simulate
from smssim.cli import main
from smssim.record.storage import save
from smssim.record.tallies import NAMES, REFUSED, Tallies
from smssim.report import bill_bridge
from smssim.report.bill_bridge import FACTORS

invented = settings(settings.get_profile("worlds"), max_examples=10)


def bill(record: Record) -> int:
    """Purchases and charges, by plain sums."""
    ledger = record.ledger
    bought = ledger.loc[ledger["entry"] == "purchase", "amount_micro"].sum()
    return int(bought + record.tallies.money["cost_micro"].sum())


def changes(a: Record, b: Record) -> dict[str, int]:
    frame = bill_bridge(a, b)
    return dict(zip(frame["factor"], frame["amount_micro"].tolist(), strict=True))


def month(**changed: Any) -> Record:
    """Two countries, one with a package that runs out, resends and refusals."""
    plan = {
        "start": "2026-03-02",
        "days": 6,
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.7, 2: 0.3}}],
        "packages": [{"country": "ID", "segments": 500, "price": 20}],
        "traffic": [
            {
                "name": name,
                "template": "code",
                "country": name,
                "messages_a_day": n,
                "resend": {"patience": 20},
                "flaws": {"variables": 0.1},
            }
            for name, n in (("ID", 200), ("TH", 100))
        ],
        "routes": {"ID": {"price": 0.1}, "TH": {"price": 0.03}},
    }
    return simulate(Scenario.model_validate(plan).change(**changed), rows=False)


def with_money(record: Record, **columns: Any) -> Record:
    """The same with other columns of the tally of money."""
    frames = {name: record.tallies.frame(name) for name in NAMES}
    frames["money"] = frames["money"].assign(**columns)
    return replace(record, tallies=Tallies(record.observed_until, **frames))


@seed(1)
@invented
@given(worlds(), worlds())
def test_factors_sum_to_the_difference(first: Any, second: Any) -> None:
    """To the micro-unit, of any two months; back again they are the same with the other sign."""
    a, b = (
        simulate(scenario.change(currency="USD"), rng=rng, policies=policies, rows=False)
        for scenario, rng, policies in (first, second)
    )
    there, back = changes(a, b), changes(b, a)

    assert there["before"] == bill(a)
    assert there["after"] == bill(b)
    assert sum(there[name] for name in FACTORS) == bill(b) - bill(a)
    assert all(abs(there[name] + back[name]) <= 1 for name in FACTORS)
    assert all(not changes(a, a)[name] for name in FACTORS)


def test_no_factor_comes_first() -> None:
    """Each has the mean of what it changes in all 5,040 orders."""
    module = __import__("sys").modules["smssim.report.bill_bridge"]
    records = month(), month(**{"traffic.1.messages_a_day": 300, "routes.ID.price": 0.2})
    counts = [module._counted(record, True) for record in records]
    countries = sorted({*counts[0], *counts[1]})
    sides = [module._side(side, countries) for side in counts]
    bills: dict[frozenset[int], float] = {}
    total = np.zeros(len(FACTORS))
    orders = list(permutations(range(len(FACTORS))))
    for order in orders:
        done: frozenset[int] = frozenset()
        for factor in order:
            for of in (done, done | {factor}):
                if of not in bills:
                    bills[of] = float(module._bill_of(sides, countries, of))
            total[factor] += bills[done | {factor}] - bills[done]
            done |= {factor}
    wanted = changes(*records)
    assert (total / len(orders)).tolist() == pytest.approx(
        [wanted[name] for name in FACTORS], abs=1
    )
    assert sum(value != 0 for value in wanted.values()) > 5


def _twice(record: Record) -> Record:
    """All counted twice, packages too."""
    money = record.tallies.money
    columns = ("messages", "segments", "covered_segments", "cost_micro")
    return with_money(record, **{name: 2 * money[name] for name in columns})


def test_a_factor_that_changes_alone_is_all_of_the_change() -> None:
    """Without packages: volume, price, segments, resends and refusals."""
    a = month(packages=[])
    money = a.tallies.money
    sent = ~money["charge"].isin(REFUSED)
    again = money["resend_kind"] != "first"
    cases = {
        "volume": _twice(a),
        "price": with_money(a, cost_micro=3 * money["cost_micro"]),
        "segments": with_money(
            a, segments=money["segments"] * 2, cost_micro=money["cost_micro"] * 2
        ),
        # What was refused before is refused twice as often.
        "refusals": with_money(a, messages=money["messages"].where(sent, 2 * money["messages"])),
    }
    for name, b in cases.items():
        if name == "refusals":
            continue
        found = changes(a, b)
        others = {factor: found[factor] for factor in FACTORS if factor != name and found[factor]}
        assert not others, name
        assert found[name] == bill(b) - bill(a) != 0
    assert again.any()


def test_a_package_and_its_price() -> None:
    """A dearer package is a price; one more is cover, as is what it saves."""
    a = month()
    dear = changes(a, month(**{"packages.0.price": 30}))
    assert {name for name in FACTORS if dear[name]} == {"price"}
    assert dear["price"] == 10_000_000
    more = changes(a, month(**{"packages.0.segments": 700, "packages.0.price": 28}))
    assert {name for name in FACTORS if more[name]} == {"package cover"}
    assert more["package cover"] == 8_000_000 - 200 * 100_000


def test_more_volume_under_a_package_that_lasts_costs_nothing() -> None:
    """The quota is what it holds, not what was used of it."""
    large = {"packages.0.segments": 50_000, "traffic.1.messages_a_day": 0.001}
    a, b = month(**large), month(**large, **{"traffic.0.messages_a_day": 400})
    found = changes(a, b)
    assert abs(found["volume"]) < 1_000
    assert found["package cover"] == 0


def test_what_cannot_be_told_is_refused() -> None:
    a = month()
    with pytest.raises(ValueError, match="must be a's"):
        bill_bridge(a, replace(a, currency="EUR"))
    unknown = with_money(a, charge="unknown")
    with pytest.raises(ValueError, match="rate it first"):
        bill_bridge(a, unknown)
    with pytest.raises(ValueError, match="must be a record"):
        plots.bill_bridge(a)


def test_the_picture_is_the_frame() -> None:
    """A bar each, every one from where that above it ends."""
    frame = report.bill_bridge(month(), month(**{"routes.TH.price": 0.2}))
    ax = plots.bill_bridge(frame)
    bars = list(ax.patches)
    micro = frame["amount_micro"].to_numpy() / 1e6
    assert [bar.get_width() for bar in bars] == pytest.approx(micro.tolist())
    ends = micro.cumsum()
    assert [bar.get_x() for bar in bars[1:-1]] == pytest.approx(ends[:-2].tolist())
    assert bars[-1].get_x() == pytest.approx(0)


def test_the_command_line_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a factor, from the bill of the other month to that of the first."""
    runs = {"may": month(), "june": month(**{"routes.TH.price": 0.2})}
    for name, run in runs.items():
        save(run, tmp_path / name)

    assert main(["report", str(tmp_path / "june"), "--bridge", str(tmp_path / "may")]) == 0

    out = capsys.readouterr().out
    wanted = changes(runs["may"], runs["june"])
    assert re.search(rf"\n  price +\+{wanted['price'] / 1e6:,.2f} USD\n", out)
    assert re.search(rf"\n  bill of .*june +{wanted['after'] / 1e6:,.2f} USD\n", out)
