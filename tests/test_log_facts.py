"""Facts resolved to one record, against a slow reading of docs/logs.md section 4."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from oracle_facts import Answer, resolved
from worlds_facts import World, worlds

from smssim.logs.join.resolve import Resolved, resolve

many = settings(deadline=None, max_examples=200, database=None)


def as_answer(found: Resolved) -> Answer:
    """What was resolved, in the words of the oracle."""
    place = [tuple(row) for row in found.messages[["file", "row", "entry"]].tolist()]
    left_out = ("key", "file", "row", "entry")
    fields = [name for name in found.messages.dtype.names if name not in left_out]
    messages = [dict(zip(fields, row, strict=True)) for row in found.messages[fields].tolist()]
    reports = {
        (place[message], part): (copies, received)
        for message, part, copies, received in found.reports.tolist()
    }
    assert len(set(place)) == len(place)
    assert len(reports) == len(found.reports)
    return Answer(
        dict(zip(place, messages, strict=True)),
        reports,
        Counter(found.rejected_by_join.tolist()),
        duplicates=found.duplicates,
    )


@many
@given(worlds())
def test_facts_resolve_as_the_specification_says(world: World) -> None:
    """Messages, reports, what the join rejects and what is a duplicate, field by field."""
    found = resolve(world.sends, world.reports, world.names)
    wanted = resolved(world.sends, world.reports)
    same = as_answer(found)
    assert same.rejected_by_join == wanted.rejected_by_join
    assert same.messages == wanted.messages
    assert same.reports == wanted.reports
    assert same.duplicates == wanted.duplicates
    assert found.used == len(wanted.used)
    if wanted.used:
        assert (found.first, found.last) == wanted.period
    records = len(world.sends) + len(world.reports)
    assert records == found.used + len(found.rejected_by_join) + found.duplicates
