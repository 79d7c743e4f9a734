"""Tallies against a plain groupby of the rows, and merged from parts of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from worlds import worlds

from smssim.record.cells import distinct_combinations
from smssim.record.from_frames import tally_frames
from smssim.record.schema import REFUSED_AT
from smssim.record.tallies import MEASURES, NAMES, Tallies
from smssim.scenario import Scenario
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate
from smssim.stats.delay_bins import edges_us

invented = settings(settings.get_profile("worlds"), max_examples=15)


def bins(delay: pd.Series) -> pd.Series:
    """The bin of each delay, by search."""
    us = delay.dt.as_unit("us").to_numpy().view(np.int64)
    return pd.Series(np.searchsorted(edges_us(), us, "right") - 1, delay.index)


def charge(row: Any) -> str:
    """How a message was paid for."""
    if row.refused_at:
        return f"refused_{REFUSED_AT.index(row.refused_at)}"
    if row.covered_segments == 0:
        return "pay_per_use"
    return "split" if row.cost_micro > 0 else "package"


def outcome(row: Any) -> str:
    """The outcome of a message."""
    if row.refused_at:
        return "refused_platform" if row.refused_at == "platform" else "refused"
    if pd.isna(row.status):
        return "in_flight"
    return {"DELIVRD": "delivered", "EXPIRED": "expired"}.get(row.status, "failed")


def servers(run: Run) -> set[str]:
    """The sources of a run whose server sends again."""
    sources = Scenario.parse(run.provenance["scenario"]).sources
    return {source.name for source in sources if getattr(source, "server_resend", None)}


def tasks(run: Run) -> set[str]:
    """The sources of a run that are group tasks."""
    return {task.name for task in Scenario.parse(run.provenance["scenario"]).tasks}


def copy(row: Any, servers: set[str]) -> str:
    """What kind of copy a message is."""
    if row.resend_number == 0:
        return "first"
    return "server resend" if row.source in servers else "user resend"


def by_groupby(run: Run) -> dict[str, pd.DataFrame]:
    """All tallies, by pandas alone and a row at a time where rules are."""
    rows = run.messages.astype({"status": object, "country": object, "template": object})
    rows["day"] = rows["submitted_at"].dt.floor("D").dt.tz_localize(None)
    rows["slot"] = rows["submitted_at"].dt.floor("15min").dt.tz_localize(None)
    rows["charge"] = [charge(row) for row in rows.itertuples()]
    rows["outcome"] = [outcome(row) for row in rows.itertuples()]
    resending = servers(run)
    rows["resend_kind"] = [copy(row, resending) for row in rows.itertuples()]
    rows["messages"] = 1
    delivered = rows[rows["outcome"] == "delivered"].copy()
    delivered["bin"] = bins(delivered["final_at"] - delivered["submitted_at"])
    others = rows[rows["outcome"].isin(["failed", "expired"])].copy()
    others["bin"] = bins(others["final_at"] - others["submitted_at"])
    flying = rows[rows["outcome"] == "in_flight"].copy()
    end = pd.Timestamp(run.observed_until, unit="us", tz="UTC")
    flying["bin"] = bins(end - flying["submitted_at"])
    of_api = (rows["resend_number"] == 0) & ~rows["source"].isin(tasks(run))
    rows["segments_each"] = rows["segments"]
    rows["requests"] = (of_api & (rows["recipient"] == 0)).astype(int)
    requests = sizes(rows[of_api])
    told = rows.iloc[:0].assign(within=[])  # A run has times, never a result of the console.
    reports = run.reports.copy()
    reports["reports"] = 1
    created = rows["final_at"].loc[reports["message"]].set_axis(reports.index)
    reports["bin"] = bins((reports["received_at"] - created).fillna(pd.Timedelta(0)))

    sources = {
        "money": (rows, "day country application type charge status resend_kind"),
        "templates": (rows, "template application type charge status"),
        "sources": (rows, "source charge status"),
        "clock": (rows, "slot country outcome"),
        "latency": (delivered, "country type bin"),
        "template_latency": (delivered, "template bin"),
        "undelivered": (others, "country type outcome bin"),
        "template_undelivered": (others, "template outcome bin"),
        "censored": (flying, "country type bin"),
        "template_censored": (flying, "template bin"),
        "within_3_min": (told, "country type outcome within"),
        "mix": (rows, "country template segments_each"),
        "sizes": (requests, "country template size"),
        "push": (reports, "state attempts bin"),
    }
    return {name: summed(run, name, frame, keys.split()) for name, (frame, keys) in sources.items()}


def sizes(first: pd.DataFrame) -> pd.DataFrame:
    """The requests of first copies, one row each."""
    found = [
        {
            "country": own["country"].iloc[0],
            "template": own["template"].iloc[0],
            "size": min(len(own), 501),
            "requests": 1,
            "same_text": int(len(own) > 1 and own["segments"].min() == own["segments"].max()),
        }
        for _, own in first.groupby(["source", "request"], observed=True)
    ]
    columns = ["country", "template", "size", "requests", "same_text"]
    return pd.DataFrame(found, columns=columns)


def summed(run: Run, name: str, frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The measures that a tally has, summed over rows by its keys."""
    measures = [column for column in getattr(run.tallies, name).columns if column in MEASURES]
    assert measures
    grouped = frame.astype(dict.fromkeys(keys, object)).groupby(keys, dropna=False)
    return grouped[measures].sum().reset_index()


def cells(frame: pd.DataFrame) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """A tally as measures by keys, None for NA."""
    keys = [name for name in frame.columns if name not in MEASURES]
    measures = [name for name in frame.columns if name in MEASURES]
    plain = frame.astype(object).where(frame.notna(), None)
    names = zip(*(plain[key] for key in keys), strict=True)
    values = zip(*(plain[name] for name in measures), strict=True)
    found = dict(zip(names, values, strict=True))
    assert len(found) == len(frame), "a cell stands once"
    return found


def assert_same(a: Tallies, b: Tallies) -> None:
    """Demand the same cells in the same order, of the same types."""
    assert a.observed_until == b.observed_until
    for name in NAMES:
        assert_frame_equal(getattr(a, name), getattr(b, name), obj=name)


def tally(run: Run, own: np.ndarray) -> Tallies:
    """The tallies of some of the rows of a run, by a mask."""
    number = np.cumsum(own) - 1
    reports = run.reports[own[run.reports["message"]]]
    reports = reports.assign(message=number[reports["message"]]).reset_index(drop=True)
    messages = run.messages[own].reset_index(drop=True)
    period = run.observed_from, run.observed_until
    return tally_frames(messages, reports, *period, servers(run), tasks(run))


@seed(1)
@invented
@given(worlds(), st.sampled_from([None, Tuning(1, 1, 1), Tuning(30, 9, 9)]))
def test_tallies_are_a_groupby_of_the_rows(
    world: tuple[Scenario, int, tuple[Any, ...]], tuning: Tuning | None
) -> None:
    """Cell by cell, whatever the chunks."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies, tuning=tuning)
    for name, expected in by_groupby(run).items():
        found = getattr(run.tallies, name)
        assert list(found.columns) == list(expected.columns), name
        assert cells(found) == cells(expected), name


@seed(2)
@invented
@given(worlds(), st.integers(0, 100), st.sampled_from([0.0, 0.02, 0.5]))
def test_merged_parts_are_the_whole(
    world: tuple[Scenario, int, tuple[Any, ...]], draw: int, share: float
) -> None:
    """Requests split at random into three parts, of which some may be empty."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)
    request = run.messages.groupby(["source", "request"], observed=True).ngroup().to_numpy()
    random = np.random.default_rng(draw)
    part = random.choice(3, len(run.messages), p=[share, 0.9 - share, 0.1])[request]
    first, *others = (tally(run, part == i) for i in range(3))

    merged = first.merge(*others)

    assert_same(merged, run.tallies)
    assert_same(tally(run, part >= 0), run.tallies)
    assert_same(others[0].merge(first, others[1]), merged)
    assert_same(run.tallies.merge(), run.tallies)


def _run(**changes: Any) -> Run:
    api = {"name": "api", "template": "code", "country": "ID", "messages_a_day": 200}
    made = {
        "start": "2025-03-03",
        "days": 1,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "traffic": [api],
    }
    return simulate(Scenario.model_validate(made | changes))


def test_each_batch_may_have_labels_of_its_own() -> None:
    """In any order and with some that no row has, as the dictionaries of a file's batches are."""
    run, rng = _run(), np.random.default_rng(1)
    parts = []
    for begin in range(0, len(run.messages), 50):
        own = run.messages.iloc[begin : begin + 50].reset_index(drop=True)
        for name in ("source", "application", "template", "type", "country", "status"):
            labels = [*run.messages[name].cat.categories, f"Z{begin}", "A"]
            own[name] = own[name].cat.set_categories(rng.permutation(labels))
        reports = run.reports[run.reports["message"].between(begin, begin + len(own) - 1)]
        reports = reports.assign(message=reports["message"] - begin).reset_index(drop=True)
        reports["state"] = reports["state"].cat.set_categories(["received", "lost", "pending"])
        parts.append(tally_frames(own, reports, run.observed_from, run.observed_until))
    assert len(parts) > 2
    assert_same(parts[0].merge(*parts[1:]), run.tallies)


@pytest.mark.parametrize("far", [3, 1_000, 10_000_000, 1 << 40])
def test_combinations_are_those_that_occur(far: int) -> None:
    """In order, and each row is one of them; whether there is room for all, or for their number."""
    rng = np.random.default_rng(2)
    columns = {"a": rng.integers(-1, 2, 300), "b": rng.integers(-far, far, 300)}
    columns["c"] = rng.integers(0, 2, 300) * far
    combinations, combination = distinct_combinations(columns)
    rows = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    expected = sorted(set(rows))
    assert list(zip(*(c.tolist() for c in combinations.values()), strict=True)) == expected
    assert [expected[i] for i in combination.tolist()] == rows


def test_tallies_of_different_ends_do_not_merge() -> None:
    """A message pending in one would be delivered in the other."""
    with pytest.raises(ValueError, match=r"observed_until\(=.*\) must be the same"):
        _run().tallies.merge(_run(days=2).tallies)


def test_what_a_record_cannot_know_counts_as_unknown() -> None:
    """A log shows neither packages nor charges: NA there is its own charge."""
    run = _run()
    blind = run.messages.assign(
        covered_segments=pd.array([None] * len(run.messages), "Int8"),
        cost_micro=pd.array([None] * len(run.messages), "Int32"),
    )
    found = tally_frames(blind, run.reports, run.observed_from, run.observed_until)
    assert set(found.money["charge"]) == {"unknown"}
    assert found.money["messages"].sum() == len(run.messages)
    assert found.money["cost_micro"].sum() == 0
    assert_frame_equal(found.latency, run.tallies.latency)


def test_a_month_of_messages_in_flight_alone() -> None:
    """No status at all, so that the column has no categories: everything is pending."""
    run = _run(routes={"ID": {"latency": 100_000}})
    flying = run.messages[run.messages["status"].isna()].reset_index(drop=True)
    flying["status"] = flying["status"].cat.remove_unused_categories()
    found = tally_frames(flying, run.reports.iloc[:0], run.observed_from, run.observed_until)
    assert len(flying) > 100
    assert set(found.clock["outcome"]) == {"in_flight"}
    assert found.money["status"].isna().all()
    assert set(found.money["charge"]) == set(found.templates["charge"]) == {"pay_per_use"}
    assert found.money["messages"].sum() == found.censored["messages"].sum() == len(flying)
    assert found.template_censored["messages"].sum() == len(flying)
