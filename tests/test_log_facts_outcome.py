"""All parts of the facts together: tallies, frames, and what it takes to keep them."""

from __future__ import annotations

import os
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_facts import ACCEPTD, DELIVRD, Answer, resolved
from pandas.testing import assert_frame_equal
from worlds_facts import SECOND, START, World, names, worlds

from smssim.logs.join.facts import REPORT, SEND, UNKNOWN, Facts, Spill, empty_facts
from smssim.logs.join.resolve import REASONS, JoinOutcome, join_facts
from smssim.record.from_frames import tally_frames
from smssim.record.tallies import NAMES, Tallies

many = settings(deadline=None, max_examples=30, database=None)


def kept(world: World, *, memory: int = 2**20, pieces: int = 1, rows: bool = True) -> JoinOutcome:
    """The outcome of a world, given in some pieces."""
    with Spill(memory) as facts:
        for i in range(pieces):
            facts.add(world.sends[i::pieces], world.reports[i::pieces])
        return join_facts(facts, world.names, rows=rows)


def assert_same(a: Tallies, b: Tallies, leave_out: str = "") -> None:
    """Demand the same cells in the same order, of the same types."""
    assert a.observed_until == b.observed_until
    for name in set(NAMES) - {leave_out}:
        assert_frame_equal(a.frame(name), b.frame(name), obj=name)


@many
@given(worlds(), st.integers(1, 4))
def test_disk_pieces_and_rows_change_nothing(world: World, pieces: int) -> None:
    """In memory or spilled, at once or piece by piece, with rows or with tallies alone."""
    found = kept(world)
    for other in (
        kept(world, memory=0, pieces=pieces),
        kept(world, pieces=pieces, rows=False),
        kept(world, memory=3000, pieces=pieces, rows=False),
    ):
        assert_same(other.tallies, found.tallies)
        assert other.rejected_by_join.tolist() == found.rejected_by_join.tolist()
        assert (other.used, other.duplicates) == (found.used, found.duplicates)
        assert (other.observed_from, other.observed_until) == (
            found.observed_from,
            found.observed_until,
        )
        assert other.reasons == found.reasons
        if other.messages is not None and found.messages is not None:
            assert_frame_equal(other.messages, found.messages)
        if other.reports is not None and found.reports is not None:
            assert_frame_equal(other.reports, found.reports)
        assert (other.messages is None) == (other.reports is None)


@many
@given(worlds())
def test_tallies_counted_part_by_part_are_those_of_the_frames(world: World) -> None:
    """All but `within_3_min`, which frames cannot know; and the law, and the observed period."""
    found, wanted = kept(world), resolved(world.sends, world.reports)
    assert found.messages is not None
    assert found.reports is not None
    assert (found.observed_from, found.observed_until) == wanted.period
    records = len(world.sends) + len(world.reports)
    assert records == found.used + found.reasons.total() + found.duplicates
    assert found.reasons.total() == len(found.rejected_by_join)
    again = tally_frames(found.messages, found.reports, *wanted.period, requests=False)
    assert_same(found.tallies, again, leave_out="within_3_min")
    assert not len(again.within_3_min)
    assert results_of(found.tallies) == expected_results(wanted, world)


def results_of(tallies: Tallies) -> Counter[Any]:
    """The tally as a counter, None for NA."""
    plain = tallies.within_3_min.astype(object).where(tallies.within_3_min.notna(), None)
    return Counter({tuple(row[:-1]): row[-1] for row in plain.itertuples(index=False, name=None)})


def expected_results(wanted: Answer, world: World) -> Counter[Any]:
    """What the results of messages without a time of their status tell, row by row."""
    found: Counter[Any] = Counter()
    countries, types = ([*n.names, None] for n in (world.names.country, world.names.type))
    for row in wanted.messages.values():
        if row["status"] < 0 or row["final"] != UNKNOWN or row["result"] < 0:
            continue
        outcomes = {DELIVRD: "delivered", ACCEPTD: "in_flight", 3: "expired"}
        outcome = outcomes.get(row["status"], "failed")
        if row["stage"]:
            outcome = "refused_platform" if row["stage"] == 3 else "refused"
        within = ["3_min", "3_min", None, "later", "later"][row["result"]]
        found[countries[row["country"]], types[row["type"]], outcome, within] += 1
    return found


@many
@given(worlds())
def test_frames_are_in_order_and_requests_are_numbered(world: World) -> None:
    """By submission, then file, row and entry; requests from 0 by their first message."""
    found, wanted = kept(world), resolved(world.sends, world.reports)
    assert found.messages is not None
    assert found.reports is not None
    order = sorted(wanted.messages, key=lambda at: (wanted.messages[at]["submitted"], at))
    rows = [wanted.messages[at] for at in order]
    number: dict[Any, int] = {}
    for at, row in zip(order, rows, strict=True):
        own = at if row["request"] < 0 else (row["request"], row["origin"])
        row["request_number"] = number.setdefault(own, len(number))
    messages = found.messages
    assert messages["request"].tolist() == [row["request_number"] for row in rows]
    assert messages["recipient"].tolist() == [
        row["recipient"] if row["request"] >= 0 else 0 for row in rows
    ]
    for name, column in (("segments", "segments"), ("covered_segments", "covered")):
        unknown = 0 if name == "segments" else -1
        assert messages[name].fillna(unknown).tolist() == [row[column] for row in rows]
    assert messages["cost_micro"].fillna(-1).tolist() == [max(row["cost"], -1) for row in rows]
    assert messages["resend_number"].fillna(-1).tolist() == [row["resend_number"] for row in rows]
    labels = [*world.names.origin.names, None]
    source = messages["source"].astype(object).where(messages["source"].notna(), None)
    assert source.tolist() == [labels[row["origin"]] for row in rows]
    sent = messages["sent_at"].dt.tz_localize(None).to_numpy("datetime64[us]").view(np.int64)
    assert sent.tolist() == [row["sent"] for row in rows]
    wanted_reports = [
        (order.index(at), part, copies) for (at, part), (copies, _) in wanted.reports.items()
    ]
    told = found.reports[["message", "part", "deliveries"]]
    assert [*told.itertuples(index=False, name=None)] == sorted(wanted_reports)


@many
@given(worlds(), st.permutations(range(3)))
def test_the_order_of_files_is_irrelevant(world: World, order: list[int]) -> None:
    """Overlapping tables say the same in any order, where a time shows which status was later."""
    for facts in (world.sends, world.reports):
        # A status is as good as its time: of two of the same time the later row would count.
        said = np.where(facts["final"] == UNKNOWN, 0, facts["final"] // SECOND)
        facts["status"], facts["source"] = said % 4, said % 3
        facts["received"] = np.where(facts["final"] == UNKNOWN, UNKNOWN, facts["final"] + SECOND)
    sends = world.sends
    sends["received"], sends["entry_hash"], sends["sent"] = UNKNOWN, 0, UNKNOWN
    said = sends["status"]
    sends["stage"], sends["result"], sends["cost"], sends["covered"] = said // 3, said % 5 - 1, 5, 1
    found, was = kept(world), [facts["file"].copy() for facts in (world.sends, world.reports)]
    for facts, files in zip((world.sends, world.reports), was, strict=True):
        facts["file"] = np.array(order)[files]
    other = kept(world, pieces=2)
    assert_same(found.tallies, other.tallies)
    assert (found.used, found.duplicates) == (other.used, other.duplicates)
    assert found.reasons == other.reasons


def test_nothing_makes_an_empty_record() -> None:
    none = World(empty_facts(SEND, 0), empty_facts(REPORT, 0), names())
    found = kept(none)
    assert (found.observed_from, found.observed_until, found.used) == (0, 0, 0)
    assert found.messages is not None
    assert found.reports is not None
    assert len(found.messages) == len(found.reports) == 0
    assert not any(len(found.tallies.frame(name)) for name in NAMES)


def some_sends(n: int, first: int = 0) -> Facts:
    """Sends of one row each, a second apart, delivered 5 seconds later."""
    facts = empty_facts(SEND, n)
    number = first + np.arange(n)
    facts["key"][:, 0] = facts["key"][:, 1] = number
    facts["row"] = number + 1
    facts["submitted"] = START + SECOND * number
    facts["status"], facts["final"] = DELIVRD, facts["submitted"] + 5 * SECOND
    return facts


def test_the_end_is_that_of_the_records_used() -> None:
    """An orphan report of a later year makes nothing pending for a year."""
    sends, orphan = some_sends(3), empty_facts(REPORT, 1)
    sends["status"], sends["final"] = -1, UNKNOWN
    orphan["key"], orphan["status"] = 99, DELIVRD
    orphan["received"] = START + 365 * 86_400 * SECOND
    for rows in (True, False):
        found = kept(World(sends, orphan, names()), rows=rows)
        assert found.observed_until == START + 2 * SECOND
        without = kept(World(sends, orphan[:0], names()), rows=rows)
        assert_same(found.tallies, without.tallies)
        assert found.tallies.censored["messages"].sum() == 3
        assert found.reasons == {REASONS[2]: 1}


def test_the_first_condemned_are_kept_and_all_are_counted() -> None:
    orphans = empty_facts(REPORT, 500)
    orphans["key"] = np.arange(1000).reshape(-1, 2)
    orphans["row"], orphans["status"] = np.arange(500, 0, -1), DELIVRD
    with Spill() as facts:
        facts.add(empty_facts(SEND, 0), orphans)
        found = join_facts(facts, names(), most_rejected=20)
    assert found.rejected_by_join["row"].tolist() == list(range(1, 21))
    assert found.reasons == {REASONS[2]: 500}


def test_long_messages_and_large_costs_fit_their_frames() -> None:
    """Equal rows of a unit are segments, 99 at most; a wider type holds what they add up to."""
    sends = some_sends(1).repeat(99)
    sends["row"], sends["cost"], sends["covered"] = np.arange(99), 2**31, 2
    found = kept(World(sends, empty_facts(REPORT, 0), names()))
    assert found.messages is not None
    (row,) = found.messages.to_dict("records")
    assert (row["segments"], row["covered_segments"]) == (99, 198)
    assert row["cost_micro"] == 99 * 2**31
    money = found.tallies.money
    assert money["cost_micro"].tolist() == [99 * 2**31]


def test_spilled_facts_leave_no_file(tmp_path: Path) -> None:
    """On disk they have no name, also when an error ends it."""
    sends = some_sends(5000)

    def broken() -> None:
        with Spill(1000, tmp_path) as facts:
            facts.add(sends, empty_facts(REPORT, 0))
            assert facts.written == sends.nbytes
            assert os.name == "nt" or not list(tmp_path.iterdir())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert not list(tmp_path.iterdir())


def test_parts_are_given_as_often_as_asked() -> None:
    """Each fact once, those of one key in one part, in the order they came."""
    sends = some_sends(2000)
    with Spill(100_000) as facts:
        for start in range(0, 2000, 150):
            facts.add(sends[start : start + 150], empty_facts(REPORT, 0))
        assert facts.written
        assert len(facts) == 2000
        for _ in range(2):
            parts = [part["row"].tolist() for part, _ in facts.partitions()]
            assert [len(part) for part in parts] == [32] * 16 + [31] * 48
            assert all(part == sorted(part) for part in parts)
            assert sorted(chain(*parts)) == list(range(1, 2001))
