"""Wasted spend, against plain sums over the rows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from test_exports import EXPORTS, FORMS, packages
from test_exports import log as read
from test_rating import as_log, hand_made, rated
from worlds import worlds

from smssim import rate, report, simulate
from smssim.record.record import Record
from smssim.report.cost import KINDS
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run

invented = settings(settings.get_profile("worlds"), max_examples=30)
COUNTS = ["messages", "segments", "covered_segments"]


def plain(record: Record, fraudulent: set[str], servers: set[str]) -> dict[str, list[Any]]:
    """The same by pandas alone: messages, segments, covered, billed and packages of each kind."""
    rows, ledger = record.messages, record.ledger
    assert rows is not None
    assert ledger is not None
    sent = rows[rows["refused_at"] == ""]
    status, again = sent["status"].astype(object), sent["resend_number"] > 0
    server = sent["source"].isin(list(servers))
    own = {
        "failed": status.notna() & ~status.isin(["DELIVRD", "EXPIRED"]),
        "expired": status == "EXPIRED",
        "user_resend": again & ~server,
        "server_resend": again & server,
        "fraudulent": sent["source"].isin(list(fraudulent)),
    }
    bought, found = ledger[ledger["entry"] == "purchase"], {}
    for kind, mask in own.items():
        cells = sent[mask]
        value = Fraction(0)
        for country, n in cells.groupby("country", observed=True)["covered_segments"]:
            packages = bought[bought["country"] == country]
            if n.sum():
                paid, segments = (int(packages[c].sum()) for c in ("amount_micro", "segments"))
                value += Fraction(paid, segments) * int(n.sum())
        sums = [int(cells[name].sum()) for name in ("segments", "covered_segments", "cost_micro")]
        found[kind] = [len(cells), *sums, int(value + Fraction(1, 2))]
    return found


def told(record: Record) -> dict[str, list[Any]]:
    """The report's rows without whole units, None for NA."""
    found = report.wasted_spend(record).astype(object)
    numbers = found.where(found.notna(), None).iloc[:, :-1].to_numpy().tolist()
    return {kind: numbers for kind, *numbers in numbers}


def sources(scenario: Scenario) -> tuple[set[str], set[str]]:
    """Those that are an attack, and those whose server sends again."""
    servers = {s.name for s in scenario.sources if getattr(s, "server_resend", None)}
    return {t.name for t in scenario.traffic if t.fraudulent}, servers


@seed(1)
@invented
@given(worlds())
def test_waste_is_a_sum_of_the_rows(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    """Of a run, with and without rows, and of the same run rated as one."""
    scenario, rng, policies = world
    # Every second source of traffic is an attack.
    attacks = {f"traffic.{i}.fraudulent": not i % 2 for i in range(len(scenario.traffic))}
    scenario = scenario.change(**attacks)
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)

    assert told(run) == plain(run, *sources(scenario))
    assert told(replace(run, messages=None)) == told(run)
    found = report.wasted_spend(run)
    whole = (found["billed_micro"] + found["package_micro"]).astype("float64") / 1e6
    assert found[f"cost_{scenario.currency.lower()}"].tolist() == whole.tolist()


def month() -> Scenario:
    """Two countries, packages, an attack, users and a server that send again."""
    api = {"template": "code", "messages_a_day": 300}
    again = {"after": 60, "statuses": ["UNDELIV", "REJECTD"], "at_most": 2}
    return Scenario.model_validate(
        {
            "start": "2026-03-01T00:00:00Z",
            "days": 4,
            "applications": [{"name": "shop"}],
            "templates": [{"name": "code", "application": "shop", "segments": {1: 0.7, 2: 0.3}}],
            "packages": [
                {"country": "ID", "segments": 700, "price": 100.000001},
                {"country": "ID", "segments": 300, "price": 33},
                {"country": "TH", "segments": 500, "price": 20},
            ],
            "traffic": [
                {"name": "a", "country": "ID", **api, "resend": {"patience": 30, "at_most": 2}},
                {"name": "b", "country": "TH", **api, "server_resend": again},
                {"name": "c", "country": "TH", **api, "fraudulent": True},
            ],
        }
    )


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(month())


def test_every_kind_is_met(run: Run) -> None:
    found = report.wasted_spend(run)

    assert found["kind"].tolist() == list(KINDS)
    assert (found[COUNTS] > 0).all(axis=None)
    assert (found["cost_usd"] > 0).all()
    assert (found[["billed_micro", "package_micro"]].sum() > 0).all()
    rows = run.messages
    assert rows is not None
    attack = (rows["source"] == "c") & (rows["refused_at"] == "")
    assert found.set_index("kind").loc["fraudulent", "messages"] == attack.sum()


def limited() -> Scenario:
    """A month whose attack trips the limit, so that the others are stopped."""
    limits = {"daily_alarm": 100, "daily_limit": 600, "monthly_limit": 9_000}
    quota = {"daily_limit": 1_000, "monthly_limit": 9_000}
    return month().change(thresholds=limits, quota=quota)


@pytest.mark.parametrize("attacked", [True, False])
def test_the_attack_has_figures_of_its_own(attacked: bool) -> None:
    """What it cost is as `waste` has it; who was stopped is counted from the rows."""
    run = simulate(limited().change(**{"traffic.2.fraudulent": attacked}))
    found = report.kpis(run).set_index("name")["value"]
    row = report.wasted_spend(run).set_index("kind").loc["fraudulent"]
    rows = run.messages
    assert rows is not None
    stopped = rows[rows["status"] == "E000623"]
    genuine = stopped[stopped["source"] != "c"] if attacked else stopped

    assert (found["messages.fraudulent"] > 0) == (found["cost.fraudulent"] > 0) == attacked
    assert found["messages.fraudulent"] == row["messages"]
    assert found["cost.fraudulent"] == row["cost_usd"]
    assert found["messages.genuine_stopped"] == len(genuine) > 100
    assert len(genuine) < found["messages.stopped_by_limit"] or not attacked


def test_a_log_does_not_tell_an_attack(run: Run) -> None:
    found = report.kpis(rated(month(), run, as_log(run))).set_index("name")["value"]
    names = ["messages.fraudulent", "cost.fraudulent", "messages.genuine_stopped"]
    assert found[names].isna().all()


def test_a_rated_log_tells_all_but_who_resent(run: Run) -> None:
    """One that tells generations does not show servers; a capture shows neither, and no attack."""
    log = rated(month(), run, as_log(run))
    truth = plain(run, {"c"}, {"b"})
    both = [a + b for a, b in zip(truth["user_resend"], truth["server_resend"], strict=True)][:-1]

    found = told(log)

    assert [found[kind] for kind in ("failed", "expired")] == [truth["failed"], truth["expired"]]
    assert found["user_resend"][:-1] == both
    assert found["server_resend"] == [None] * 5
    assert list(found) == list(KINDS[:-1])
    assert log.messages is not None
    blind = rate(
        replace(
            log, messages=log.messages.assign(resend_number=pd.array([pd.NA] * len(log.messages)))
        ),
        pd.DataFrame({"country": ["ID", "TH"], "price": 0.05, "currency": "USD"}),
    )
    assert told(blind)["user_resend"] == [None] * 5
    assert told(blind)["failed"][:2] == truth["failed"][:2]


def test_a_log_has_no_money(run: Run) -> None:
    found = told(as_log(run))

    truth = plain(run, {"c"}, {"b"})
    assert found["failed"] == [*truth["failed"][:2], None, None, None]
    assert report.wasted_spend(as_log(run)).columns[-1] == "cost"


@pytest.mark.parametrize("form", FORMS)
def test_exports_are_summed_like_their_rows(form: str) -> None:
    log = read(form)
    priced = rate(log, EXPORTS / "prices.csv", packages())
    rows = priced.messages
    assert rows is not None
    sent = rows[rows["refused_at"] == ""]
    for kind, own in (
        ("expired", sent[sent["status"] == "EXPIRED"]),
        ("failed", sent[sent["status"].notna() & ~sent["status"].isin(["DELIVRD", "EXPIRED"])]),
    ):
        own = own[own["status"] != "ACCEPTD"]
        assert told(log)[kind][:2] == [len(own), own["segments"].sum()]
        if not own["cost_micro"].isna().any():
            assert told(priced)[kind][3] == own["cost_micro"].sum()
        else:
            assert told(priced)[kind][3] is None


def test_what_has_no_price_is_not_summed() -> None:
    rows = [(f"2024-05-01T00:00:0{i}Z", "ID", n, "UNDELIV") for i, n in enumerate((1, 2))]
    prices = pd.DataFrame({"country": ["ID"], "price": [0.25], "currency": "USD"})
    package = {"country": "ID", "segments": 2, "price": 3}

    covered = rate(hand_made(rows[:1]), prices, [package])
    short = rate(hand_made(rows), prices, [package], "suspend")

    assert told(covered)["failed"] == [1, 1, 1, 0, 1_500_000]
    assert told(short)["failed"] == [2, 3, None, None, None]
