"""What was known at a cut: of a run what a shorter one shows, of a log what its rows show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, seed, settings
from hypothesis import strategies as st
from identity import tables
from pandas.testing import assert_frame_equal
from worlds import worlds

import smssim
from smssim import Record, Scenario, ScenarioError, simulate
from smssim.calendars import DAY, HOUR, to_datetime
from smssim.record.from_frames import tally_frames
from smssim.record.tallies import NAMES

invented = settings(
    settings.get_profile("worlds"), max_examples=12, suppress_health_check=list(HealthCheck)
)
World = tuple[Scenario, int, tuple[Any, ...]]


def cut(scenario: Scenario, days: int) -> Scenario:
    """The scenario of the first days, if there is one: some settings must be within the run."""
    try:
        return scenario.change(days=days)
    except ScenarioError:
        assume(False)
        raise


@seed(1)
@invented
@given(worlds(), st.integers(1, 5))
def test_a_run_is_what_a_shorter_one_shows(world: World, days: int) -> None:
    """Table by table and tally by tally, policies included."""
    scenario, rng, policies = world
    assume(scenario.days > 1)
    days = 1 + days % (scenario.days - 1)
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run, short = (simulate(s, rng=rng, policies=policies) for s in (scenario, cut(scenario, days)))

    then = smssim.as_of(run, to_datetime(short.observed_until), policies=policies)

    assert tables(then) == tables(short)
    assert then.observed_until == short.observed_until
    for name in NAMES:
        assert_frame_equal(then.tallies.frame(name), short.tallies.frame(name), obj=name)


def log_of(run: smssim.Run) -> Record:
    """What a log of the run would hold: its rows alone, of reports those that were received."""
    reports = run.reports[run.reports["state"] == "received"].reset_index(drop=True)
    ends = run.observed_from, run.observed_until
    tallies = tally_frames(run.messages, reports, *ends, requests=False)
    return Record(run.name, *ends, run.currency, tallies, run.messages, reports)


@seed(2)
@invented
@given(worlds(), st.integers(1, 5))
def test_a_log_is_what_a_log_of_the_shorter_run_shows(world: World, days: int) -> None:
    """Rows and tallies, where nothing that comes later takes a message or its charge back."""
    scenario, rng, _ = world
    assume(scenario.days > 1)
    days = 1 + days % (scenario.days - 1)
    # Calls are numbered within the run, which is the order of those of one instant.
    assume(scenario.traffic and not scenario.calls)
    scenario = scenario.change(**{"account.balance": None})
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}")
    whole, short = (log_of(simulate(s, rng=rng)) for s in (scenario, cut(scenario, days)))
    # A message to mainland China is charged when it is delivered, in a log at once.
    assume("CN" not in set(whole.messages["country"]))

    then = smssim.as_of(whole, to_datetime(short.observed_until))

    # Packages are numbered by purchase, requests within the run: a log shows neither.
    for name in sorted(set(then.messages) - {"package", "request"}):
        mine, theirs = then.messages[name].astype(object), short.messages[name].astype(object)
        assert (
            mine.where(mine.notna(), None).tolist() == theirs.where(theirs.notna(), None).tolist()
        ), name
    # How often a push was tried, and how often it arrived, is known at the end alone.
    known = ["message", "part", "received_at"]
    assert_frame_equal(then.reports[known], short.reports[known])
    for name in set(NAMES) - {"push"}:
        assert_frame_equal(then.tallies.frame(name), short.tallies.frame(name), obj=name)


def small(**changes: Any) -> smssim.Run:
    plan = {
        "start": "2026-03-02",
        "days": 6,
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
        "traffic": [{"name": "a", "template": "code", "country": "ID", "messages_a_day": 300}],
    }
    return simulate(Scenario.model_validate(plan | changes))


def test_a_status_without_a_time_is_known_after_72_hours() -> None:
    """The platform has made one by then; before, nobody can tell."""
    log = log_of(small())
    blind = log.messages.assign(
        final_at=log.messages["final_at"].mask(log.messages["status"] != "")
    )
    ends = log.observed_from, log.observed_until
    record = Record("blind", *ends, None, log.tallies, blind, log.reports)
    at = log.observed_from + 5 * DAY

    then = smssim.as_of(record, to_datetime(at))

    age = at - then.messages["submitted_at"].astype("int64")
    known = then.messages["status"].notna()
    had = blind["status"].notna()[: len(known)]
    assert known.tolist() == (had & (age >= 72 * HOUR)).tolist()
    assert 0 < known.sum() < len(known)


def test_what_cannot_be_cut_is_refused() -> None:
    """With its reason."""
    run = small()
    log = log_of(run)
    for record, at, why in (
        (run, "2026-03-04T12:00", "must be whole days after"),
        (run, "2026-03-20", "must be whole days after"),
        (run, "soon", "must be a date or an instant"),
        (log, "2026-03-20", "must be within the record"),
        (simulate(Scenario.parse(run.provenance["scenario"]), rows=False), None, ""),
    ):
        if at is None:
            assert smssim.as_of(record, "2026-03-04").messages is None
            continue
        with pytest.raises(ValueError, match=why):
            smssim.as_of(record, at)
    with pytest.raises(ValueError, match="rows=True"):
        smssim.as_of(Record("bare", *(0, DAY), None, log.tallies), "1970-01-02")
    with pytest.raises(ValueError, match="those of the run: none"):
        smssim.as_of(run, "2026-03-04", policies=[np.sum])
