"""The rules of docs/logs.md section 4 one by one, each in the smallest log that shows it."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle_facts import ACCEPTD, DELIVRD
from pandas.testing import assert_frame_equal
from worlds_facts import SECOND, START, STATUSES, World, names

from smssim import read_log
from smssim.logs.join.facts import REPORT, SEND, Facts, Spill, empty_facts
from smssim.logs.join.resolve import REASONS, JoinOutcome, join_facts
from smssim.record.record import Record
from smssim.record.storage import load, save

UNDELIV, REFUSAL = STATUSES.index("UNDELIV"), STATUSES.index("E200041")
CONFLICT, EARLIER, ORPHAN, REFUSED, UNPLACED, TOO_EARLY = REASONS


def facts(kind: np.dtype[np.void], *rows: dict[str, Any]) -> Facts:
    """Facts of key 1 in the first file, a line each, that say what *rows* say."""
    found = empty_facts(kind, len(rows))
    found["key"], found["row"] = 1, np.arange(1, len(rows) + 1)
    if kind is SEND:
        found["submitted"] = START
    for i, row in enumerate(rows):
        for name, value in row.items():
            found[name][i] = value
    return found


def read(sends: list[dict[str, Any]], reports: list[dict[str, Any]] | None = None) -> JoinOutcome:
    """What they come to; each record is in one of three places."""
    told = facts(REPORT, *({"status": DELIVRD} | row for row in reports or []))
    told["row"] += len(sends)
    world = World(facts(SEND, *sends), told, names())
    with Spill() as spill:
        spill.add(world.sends, world.reports)
        found = join_facts(spill, world.names)
    assert len(spill) == found.used + found.duplicates + found.reasons.total()
    return found


def column(found: JoinOutcome, name: str) -> list[Any]:
    """A column of the messages, None for NA."""
    assert found.messages is not None
    values = found.messages[name].astype(object)
    return values.where(values.notna(), None).tolist()


def at(seconds: int) -> int:
    """An instant of the log."""
    return START + seconds * SECOND


def test_equal_rows_of_a_unit_are_segments_and_of_another_unit_duplicates() -> None:
    found = read([{}, {}, {"file": 1}, {"file": 1}, {"unit": 1, "file": 1}])
    assert column(found, "segments") == [2]
    assert (found.used, found.duplicates) == (2, 3)


def test_more_rows_than_segments_are_duplicates() -> None:
    """Where other ids show that a file has a row per segment; else a row is a whole message."""
    per_segment = [{"segments": 2, "key": (9, 9)}] * 2
    found = read([*per_segment, *[{"segments": 2, "cost": 3}] * 3])
    assert column(found, "segments") == [2, 2]
    assert column(found, "cost_micro") == [None, 6]
    assert (found.used, found.duplicates) == (4, 1)
    found = read([{"segments": 3, "cost": 3}] * 2)
    assert (column(found, "segments"), column(found, "cost_micro")) == ([3], [3])
    assert (found.used, found.duplicates) == (1, 1)
    whole = [{"segments": 2, "key": (9, n)} for n in range(3)]
    found = read([*whole, *[{"segments": 2, "cost": 3, "key": (8, 8)}] * 2])
    assert column(found, "cost_micro") == [None, None, None, 3]


@pytest.mark.parametrize("segments", [0, 1, 3])
def test_the_latest_final_status_counts_in_any_order(segments: int) -> None:
    """Rows of one id in one file or in several, as a log that keeps every status has them."""
    history = [
        {"status": ACCEPTD, "final": at(1), "segments": segments},
        {"status": UNDELIV, "final": at(2), "segments": segments},
        {"status": DELIVRD, "final": at(3), "segments": segments},
        {"status": STATUSES.index("EXPIRED"), "source": 1, "segments": segments},
    ]
    for files in ((0, 0, 0, 0), (0, 1, 2, 3), (0, 0, 1, 1)):
        for order in permutations(history):
            rows = [row | {"file": file} for row, file in zip(order, files, strict=True)]
            found = read(rows)
            assert column(found, "status") == ["DELIVRD"]
            assert (found.used, found.duplicates) == (1, 3)


def test_of_statuses_of_one_time_delivery_counts_in_any_order() -> None:
    for order in permutations(
        [{"status": status, "final": at(2)} for status in (UNDELIV, DELIVRD)]
    ):
        assert column(read(list(order)), "status") == ["DELIVRD"]


def test_equal_rows_without_an_identity_are_messages_and_repeat_those_of_another_unit() -> None:
    row = {"anonymous": True}
    found = read([row, row, row | {"file": 1}, row | {"file": 1}, row | {"file": 1}])
    assert column(found, "segments") == [1, 1, 1]
    assert (found.used, found.duplicates) == (3, 2)
    found = read([row | {"part": part, "segments": 2} for part in (1, 2, 1, 2)])
    assert column(found, "segments") == [2, 2]
    found = read([row | {"segments": 2}] * 4)
    assert column(found, "segments") == [2, 2]


def test_any_number_of_equal_rows_is_read() -> None:
    """More than a small integer holds: one campaign, or one id again and again."""
    assert len(column(read([{"anonymous": True}] * 33_000), "segments")) == 33_000
    assert column(read([{}] * 33_000), "segments") == [1]


def test_an_export_appended_to_itself_is_named() -> None:
    rows = [{"key": (n, n), "cost": 1} for n in range(5)]
    assert [*read(rows + rows).appended] == [(0, 0)]
    assert read([row for row in rows for _ in range(2)]).appended == {}
    assert read(rows + [row | {"unit": 1} for row in rows]).appended == {}
    assert read(rows + [row | {"status": UNDELIV} for row in rows]).appended == {}


def test_a_row_that_tells_all_its_segments_is_one_message() -> None:
    found = read([{"segments": 3, "cost": 30, "covered": 1}])
    assert column(found, "segments") == [3]
    assert column(found, "cost_micro") == [30]


def test_segments_pay_together() -> None:
    found = read([{"part": 1, "cost": 5, "covered": 0}, {"part": 2, "cost": 7, "covered": 1}])
    assert column(found, "cost_micro") == [12]
    assert column(found, "covered_segments") == [1]
    silent = {"file": 1, "status": DELIVRD, "final": at(5)}
    assert column(read([{"cost": 5}, silent]), "cost_micro") == [5]
    assert column(read([{"cost": 5}, silent | {"cost": 6}]), "cost_micro") == [6]


@pytest.mark.parametrize("name", ["number", "submitted", "country", "template", "type"])
def test_rows_that_conflict_are_all_condemned_and_their_reports_too(name: str) -> None:
    """Where one is silent there is no conflict, and the message says what either says."""
    silent = empty_facts(SEND, 1)[name][0]
    one, other = (START, START + SECOND) if name == "submitted" else (0, 1)
    if name == "number":
        one, other = 7, 8
    found = read([{name: one}, {name: other}, {}], [{}])
    assert found.reasons == {CONFLICT: 3, UNPLACED: 1}
    assert found.rejected_by_join["row"].tolist() == [1, 2, 3, 4]
    found = read([{name: one}, {name: silent if name != "submitted" else one, "file": 1}], [{}])
    assert (found.used, found.duplicates) == (2, 1)
    if name in ("country", "template", "type"):
        assert column(found, name) != [None]


def test_of_two_rows_of_a_segment_the_later_final_status_counts() -> None:
    rows = [
        {"status": UNDELIV, "final": at(9)},
        {"status": ACCEPTD, "final": at(60), "file": 1},
        {"status": DELIVRD, "final": at(8), "file": 2},
    ]
    found = read(rows)
    assert column(found, "status") == ["UNDELIV"]
    assert (found.used, found.duplicates) == (1, 2)
    assert found.observed_until == at(9)


def test_a_long_message_has_arrived_when_all_of_it_has() -> None:
    rows = [
        {"status": DELIVRD, "final": at(5), "part": 1},
        {"status": UNDELIV, "final": at(3), "part": 2},
    ]
    assert column(read(rows), "status") == ["UNDELIV"]
    reports = [{"part": 2, "final": at(9)}]
    found = read(rows, reports)
    assert column(found, "status") == ["DELIVRD"]
    assert column(found, "final_at")[0].value // 1000 == at(9)


def test_the_first_answer_stands_and_an_equal_entry_is_a_duplicate() -> None:
    """Whatever it says: in captures nothing is condemned but the later ones."""
    first = {"entry_hash": 5, "country": 0}
    found = read([first, first | {"file": 1}, {"entry_hash": 6, "country": 1, "file": 2}], [{}])
    assert column(found, "country") == ["ZA"]
    assert column(found, "status") == ["DELIVRD"]
    assert found.duplicates == 1
    assert found.reasons == {EARLIER: 1}


def test_a_refused_number_may_name_the_message_sent_in_its_place() -> None:
    """As E200041 does; reports go to the one that was sent."""
    sent = {"entry_hash": 5, "segments": 1}
    twice = {"entry_hash": 6, "entry": 1, "row": 1, "stage": 2, "status": REFUSAL, "segments": 1}
    found = read([sent, twice, twice | {"entry": 2, "entry_hash": 7}], [{"source": 2}])
    assert column(found, "status") == ["DELIVRD", "E200041", "E200041"]
    assert column(found, "refused_at") == ["", "number", "number"]
    found = read([twice, twice | {"file": 1}], [{}])
    assert (found.used, found.duplicates) == (1, 1)
    assert found.reasons == {REFUSED: 1}


def test_requests_refused_as_a_whole_repeat_in_other_units_alone() -> None:
    line = {"entry_hash": 5, "stage": 1, "status": REFUSAL}
    other = line | {"file": 1, "entry_hash": 6}
    found = read([line, line, other, *[line | {"file": 2}] * 3, line | {"file": 2, "unit": 1}])
    assert column(found, "refused_at") == ["request", "request", "request"]
    assert column(found, "segments") == [None] * 3
    assert (found.used, found.duplicates) == (3, 4)


def test_copies_of_a_report_are_those_of_the_unit_with_most() -> None:
    push = {"part": 1, "received": at(7), "final": at(5)}
    reports = [push, push | {"file": 1}, push | {"file": 1}, push | {"received": at(90)}]
    found = read([{}], [*reports, push | {"part": 2, "file": 1}])
    assert found.reports is not None
    told = found.reports[["part", "deliveries"]]
    assert [*told.itertuples(index=False, name=None)] == [(1, 3), (2, 1)]
    assert (found.used, found.duplicates) == (5, 1)
    found = read([{}], [push, push | {"unit": 1}])
    assert (found.used, found.duplicates) == (2, 1)


def test_reports_without_a_message_are_orphans() -> None:
    found = read([{"key": 2}], [{}, {"key": 2}])
    assert found.reasons == {ORPHAN: 1}
    assert column(found, "status") == ["DELIVRD"]


def test_the_platform_refuses_at_place_3() -> None:
    assert column(read([{}], [{"status": UNDELIV, "source": 3}]), "refused_at") == ["platform"]
    uncharged = {"status": UNDELIV, "stage": 3, "final": at(1)}
    assert column(read([uncharged], [{"status": UNDELIV, "final": at(2)}]), "refused_at") == [
        "platform"
    ]
    assert column(read([uncharged], [{"final": at(2)}]), "refused_at") == [""]


def test_an_arrival_in_the_row_is_a_report_unless_one_tells_of_it() -> None:
    row = {"status": DELIVRD, "final": at(5), "received": at(7)}
    for reports, copies in (([], 1), ([{"received": at(7)}], 1), ([{"received": at(9)}], 2)):
        found = read([row], reports)
        assert found.reports is not None
        assert found.reports["deliveries"].tolist() == [copies]
        assert found.tallies.push["deliveries"].tolist() == [copies]


def test_an_unknown_arrival_has_no_bin() -> None:
    """It is not one that came at once."""
    found = read([{}], [{"final": at(5)}])
    assert found.tallies.push["bin"].isna().tolist() == [True]


def test_results_without_times_are_tallied(tmp_path: Path) -> None:
    """They merge, and are saved and loaded, as all tallies are."""
    rows = [
        {"key": 1, "status": DELIVRD, "result": 0},
        {"key": 2, "status": DELIVRD, "result": 3},
        {"key": 3, "status": DELIVRD, "result": 0, "final": at(0)},
        {"key": 4, "status": UNDELIV, "result": 4, "country": 1},
        {"key": 5, "status": ACCEPTD, "result": 2, "country": 1, "type": 0},
        {"key": 6, "result": 2},
        {"key": 7, "status": DELIVRD},
    ]
    found = read(rows).tallies
    results = found.within_3_min.astype(object).where(found.within_3_min.notna(), None)
    assert [*results.itertuples(index=False, name=None)] == [
        (None, None, "delivered", "3_min", 1),
        (None, None, "delivered", "later", 1),
        ("ID", None, "failed", "later", 1),
        ("ID", "otp", "in_flight", None, 1),
    ]
    twice = found.merge(found)
    assert_frame_equal(twice.within_3_min, found.within_3_min.assign(messages=2))
    save(Record("log", START, found.observed_until, None, found), tmp_path / "log")
    assert_frame_equal(load(tmp_path / "log").tallies.within_3_min, found.within_3_min)


def test_a_report_before_its_message_is_quarantined() -> None:
    """Clocks of two machines may differ by the second that times are written in, no more."""
    early, late = START - 2 * SECOND, START - SECOND
    found = read([{}], [{"final": early, "received": START}, {"final": late, "received": START}])
    assert found.reasons == {TOO_EARLY: 1}
    assert column(found, "status") == ["DELIVRD"]


def test_a_capture_and_an_export_of_one_message_agree(tmp_path: Path) -> None:
    """One names the channel and the other the application, which is told of the message."""
    said = {"smsMsgId": "x", "originTo": "+6281234567890", "status": "000000"}
    said |= {"createTime": "2026-05-01T10:00:00Z", "countryId": "ID"}
    line = {
        "received_at": "2026-05-01T10:00:01Z",
        "request": {"from": "8820", "to": "+6281234567890", "templateId": "t"},
        "answer": {"code": "000000", "description": "Success", "result": [said]},
    }
    heading = "id,number,submitted,application,status\n"
    row = "x,+6281234567890,2026-05-01T10:00:00Z,shop,DELIVRD\n"
    for name, text in (("a.jsonl", json.dumps(line)), ("b.csv", heading + row)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    log = read_log(tmp_path)
    assert log.provenance["counts"]["quarantined"] == 0
    assert log.messages is not None
    assert log.messages["application"].tolist() == ["shop"]
    alone = read_log(tmp_path / "a.jsonl").messages
    assert alone is not None
    assert alone["application"].tolist() == ["8820"]
