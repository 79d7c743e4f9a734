"""Reading captures into facts: both ways of reading a line agree, and what facts say of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_capture import (
    BAD_LINES,
    DOCUMENTED,
    FORM,
    ID,
    callback_line,
    mutated,
    replaced,
    request_line,
    small_run,
)

from smssim.logs import write_capture
from smssim.logs.captures import read
from smssim.logs.captures.read import chunks_of, lines_of
from smssim.logs.join.facts import UNKNOWN, Names, ParsedChunk

JSON = "application/json"
SECRET = b"secret"
ENDINGS = ["&statusDesc=%ff", "&statusDesc=a&statusDesc=b", "&extend=%C3%A9", "&to=%2B62", "&x"]
ENDINGS += ["&statusDesc=a%20b&extend=&to=", "&extend=a=b", "&to=1&extend=2"]
ASKED = {"from": "isms0000000001", "to": "+6281234567890", "templateId": "t"}
BODY = "sequence=1&total=1&updateTime=2018-04-13T06%3A31%3A46Z&source=2&smsMsgId=a_6&status=DELIVRD"
SIGNS = [
    "",
    "%",
    "+",
    "=",
    "&",
    "%3A",
    "%3a",
    "%ff",
    " ",
    "0",
    "00",
    "1",
    "9",
    "99",
    "é",
    "\\ud800",
]
TIMES = ["2018-04-13T06:31:47Z", "2018-04-13T06:31:47.123456+00:00", "2018-04-13T06:31:60Z",
         "2018-04-13", "2018-04-13T06:31:47", "2018-04-13\x0006:31:47Z",
         "1999-12-31T23:59:59-12:00", "2000-01-01T00:00:00+12:00",
         "2099-12-31T23:59:59.999999-12:00", "20180413T063147Z"]  # fmt: skip


def read_pieces(data: bytes, names: Names, *, quickly: bool) -> list[ParsedChunk]:
    with pytest.MonkeyPatch.context() as patch:
        if not quickly:
            patch.setattr(read._Reader, "_quickly", lambda *_: False)
        return list(chunks_of(lines_of(lines_in(data)), 3, names, SECRET, count(7)))


def lines_in(data: bytes) -> Callable[[], Iterator[tuple[int, bytes, bool]]]:
    def lines() -> Iterator[tuple[int, bytes, bool]]:
        return ((row, line, True) for row, line in enumerate(data.split(b"\n"), 1))

    return lines


def one_piece(*lines: Any) -> tuple[ParsedChunk, Names]:
    names = Names()
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    (piece,) = read_pieces(data, names, quickly=True)
    return piece, names


@st.composite
def reworded(draw: st.DrawFn) -> bytes:
    """A line of the common shape with signs put into its body, its ids or its times."""
    line = draw(st.sampled_from([callback_line(BODY), request_line("a_6"), batch_line()]))
    text = json.dumps(line)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(SIGNS)) + text[place + draw(st.integers(0, 2)) :]
    if draw(st.booleans()):
        time = json.dumps(draw(st.sampled_from(TIMES)))[1:-1]
        text = text.replace(draw(st.sampled_from([TIMES[0], "2018-04-13T06:31:40Z"])), time)
    return text.encode()


def batch_line(**changes: Any) -> dict[str, Any]:
    item = {"sequence": "1", "total": "1", "updateTime": "2018-04-13T06:31:40Z", "source": "2",
            "smsMsgId": "a_6", "status": "DELIVRD"} | changes  # fmt: skip
    return callback_line(json.dumps({"statusReportList": [item]}), JSON)


@settings(deadline=None, max_examples=400)
@given(st.lists(reworded() | mutated() | replaced() | st.binary(max_size=5), max_size=4))
def test_both_ways_of_reading_agree(lines: list[bytes]) -> None:
    assert_agree(lines)


def assert_agree(lines: Iterable[bytes]) -> None:
    data, kept = b"\n".join(lines), (Names(), Names())
    quick, thorough = (
        read_pieces(data, names, quickly=way)
        for names, way in zip(kept, (True, False), strict=True)
    )
    for one, other in zip(quick, thorough, strict=True):
        np.testing.assert_array_equal(one.sends, other.sends)
        np.testing.assert_array_equal(one.reports, other.reports)
        assert one.rejected == other.rejected
    for column in vars(kept[0]):
        assert getattr(kept[0], column).names == getattr(kept[1], column).names


def nearly_common() -> list[Any]:
    """Lines that one check each keeps from being read quickly, or that just pass it."""
    lines: list[Any] = [line for line, _ in BAD_LINES if not isinstance(line, bytes)]
    for time in TIMES:
        lines += [line | {"received_at": time} for line in (request_line(), callback_line(BODY))]
        lines += [request_line(createTime=time), batch_line(updateTime=time)]
    lines += [request_line(countryId=country) for country in ("IDN", "IDNX", "", None, "I\x7f", 5)]
    lines += [request_line(total=total) for total in (99, 100, -1, True, 1.0, "2", "02", None)]
    lines += [request_line(originTo=number) for number in (None, 5, "", "0062 81", "\ud800", "x")]
    lines += [request_line(name=name) for name in ("", "x" * 50, "x" * 51, "\n", [], {"a": 1})]
    lines += [request_line(status=status) for status in ("E200041", "E2000411", "", 0, [])]
    lines += [request_line() | {"later": 1}, callback_line(BODY) | {"later": 1}]
    lines += [callback_line(BODY) | {"request": {}}, request_line() | {"callback": None}]
    for field, values in (
        ("to", (",", ",+6281234567890", "", ["+62"], None)),
        ("from", ("", "\x00", ["a"], 5)),
        ("templateId", ("", "\u2028", {}, None)),
    ):
        lines += [request_line() | {"request": {**ASKED, field: value}} for value in values]
    for ending in ENDINGS:
        lines.append(callback_line(BODY + ending))
    for part, total in (("0", "1"), ("2", "1"), ("01", "1"), ("9", "99"), ("100", "1"), ("", "1")):
        lines.append(callback_line(BODY.replace("ce=1&total=1", f"ce={part}&total={total}")))
        lines.append(batch_line(sequence=part, total=total))
    lines += [batch_line(sequence=1), batch_line(total=True), batch_line(source=2)]
    lines += [batch_line(source="4"), batch_line(source=""), batch_line(status="a b")]
    lines.append(callback_line(json.dumps({"statusReportList": [{}] * 51}), JSON))
    lines.append(callback_line(json.dumps({"statusReportList": [{}] * 50}) + " ", JSON))
    lines.append(callback_line(BODY, "application/x-www-form-urlencoded; charset=UTF-8"))
    return lines


@pytest.mark.parametrize("line", nearly_common())
def test_both_ways_agree_on_what_is_nearly_common(line: Any) -> None:
    assert_agree([json.dumps(line).encode()] * 2)


@pytest.mark.parametrize("batch", [False, True])
def test_written_lines_are_read_quickly(tmp_path: Path, batch: bool) -> None:
    write_capture(small_run(), tmp_path / "c.jsonl", batch=batch)
    lines = (tmp_path / "c.jsonl").read_bytes().splitlines()
    assert_agree(lines)
    with pytest.MonkeyPatch.context() as patch:
        slow: list[bytes] = []
        patch.setattr(read._Reader, "_thoroughly", lambda _, line: slow.append(line[1]))
        read_pieces(b"\n".join(lines), Names(), quickly=True)
    # Only the answer to the request that was refused as a whole has no result.
    assert [b'"result"' in line for line in slow] == [False]


def test_an_answer_is_a_fact_a_number() -> None:
    line = request_line()
    (first,) = line["answer"]["result"]
    line["answer"]["result"] = [first, first | {"smsMsgId": "b", "status": "E200015"}]
    piece, names = one_piece(line, request_line("c"))
    sends = piece.sends
    assert piece.records == 3
    assert sends["file"].tolist() == [3] * 3
    assert sends["row"].tolist() == [1, 1, 2]
    assert sends["entry"].tolist() == sends["recipient"].tolist() == [0, 1, 0]
    assert sends["request"].tolist() == [7, 7, 8]
    assert sends["stage"].tolist() == [0, 2, 0]
    assert sends["status"].tolist() == [-1, 0, -1]
    assert names.status.names == ["E200015"]
    assert names.application.names == ["isms0000000001"]
    assert names.template.names == ["t"]
    assert names.country.names == ["ID"]
    assert sends["segments"].tolist() == [2, 2, 2]
    assert len({*sends["number"].tolist()}) == 1
    assert sends["number"].all()
    assert len({*map(tuple, sends["key"].tolist())}) == 3
    for unsaid in ("sent", "final", "received", "cost"):
        assert (sends[unsaid] == UNKNOWN).all()
    for unsaid in ("resend_number", "result", "covered", "type", "origin"):
        assert (sends[unsaid] == -1).all()


def test_an_entry_that_is_of_no_use_leaves_the_others() -> None:
    line = request_line()
    (first,) = line["answer"]["result"]
    wrong = [first | {"smsMsgId": ""}, 5, first]
    line["answer"]["result"] = [first, *wrong, first | {"smsMsgId": "b"}]
    piece, _ = one_piece(line)
    assert piece.sends["entry"].tolist() == [0, 4]
    assert [refused.row for refused in piece.rejected] == [1, 1, 1]
    reasons = [reason for refused in piece.rejected for reason in refused.reasons]
    assert reasons == [
        "answer.result.smsMsgId is missing",
        "answer.result holds 5, it must hold objects",
        "answer.result must hold each accepted smsMsgId once",
    ]


def test_a_refused_request_is_a_fact_a_number() -> None:
    refused = request_line()
    refused["answer"] = {"code": "E000623"}
    refused["request"]["to"] = "+6281234567890,+66812345678"
    later = refused | {"received_at": "2018-04-13T14:31:41+08:00"}
    piece, names = one_piece(refused, refused, later)
    sends = piece.sends
    assert sends["stage"].tolist() == [1] * 6
    assert sends["segments"].tolist() == [0] * 6
    assert names.country.names == ["ID", "TH"]
    assert sends["country"].tolist() == [0, 1] * 3
    assert names.status.names == ["E000623"]
    assert sends["number"][0] != sends["number"][1]
    # The same line has the same keys; a request asked again at another time is another one.
    keys = [tuple(key) for key in sends["key"].tolist()]
    assert keys[:2] == keys[2:4]
    assert len({*keys}) == 4


def test_an_entry_is_known_by_what_its_line_says_beside_its_time() -> None:
    later = request_line() | {"received_at": "2018-04-13T14:31:41+08:00"}
    changed = request_line(total=1)
    piece, _ = one_piece(request_line(), later, changed)
    first, same, other = piece.sends["entry_hash"].tolist()
    assert first == same != other
    assert 0 not in (first, other)
    assert len({*map(tuple, piece.sends["key"].tolist())}) == 1


def test_reports_say_what_they_hold() -> None:
    bare = callback_line(f"smsMsgId={ID}&status=EXPIRED")
    piece, names = one_piece(
        callback_line(DOCUMENTED), bare, batch_line(smsMsgId=ID, sequence="01")
    )
    reports = piece.reports
    assert [names.status.names[code] for code in reports["status"]] == [
        "DELIVRD", "EXPIRED", "DELIVRD",
    ]  # fmt: skip
    assert reports["part"].tolist() == [1, 1, 1]
    assert reports["source"].tolist() == [2, 0, 2]
    assert (reports["final"] == UNKNOWN).tolist() == [False, True, False]
    assert reports["final"][0] - reports["final"][2] == 6_000_000
    assert (reports["received"] - reports["final"][0]).tolist() == [1_000_000] * 3
    assert len({*map(tuple, reports["key"].tolist())}) == 1


def test_keys_are_of_texts_and_of_the_secret() -> None:
    names = Names()
    data = json.dumps(callback_line(DOCUMENTED)).encode()
    (one,) = read_pieces(data, names, quickly=True)
    (other,) = chunks_of(lines_of(lines_in(data)), 3, names, b"another", count())
    assert one.reports["key"].tolist() != other.reports["key"].tolist()
    assert 0 not in one.reports["key"]


def test_pieces_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "CHUNK", 100)
    line = json.dumps(callback_line(DOCUMENTED, FORM)).encode()
    pieces = read_pieces(b"\n".join([line] * 1_000), Names(), quickly=True)
    assert sum(piece.records for piece in pieces) == 1_000
    assert max(piece.records for piece in pieces) <= 100 + read._LOOK
    rows = np.concatenate([piece.reports["row"] for piece in pieces])
    assert rows.tolist() == list(range(1, 1_001))


def test_all_reasons_are_told() -> None:
    line = request_line(total=300, status="no code", countryId="IDNX")
    report = DOCUMENTED.replace("sequence=1", "sequence=3").replace("source=2", "source=7")
    asked = request_line() | {"received_at": "today"}
    del asked["request"]["to"], asked["answer"]["code"]
    piece, _ = one_piece(line, callback_line(report), asked)
    assert [refused.reasons for refused in piece.rejected] == [
        (
            "answer.result.status(='no code') must be 1 to 7 letters and digits",
            "answer.result.countryId(='IDNX') must have 3 characters or fewer",
            "answer.result.total(=300) must be a number from 0 to 99",
        ),
        ("sequence(=3) must be from 1 to total(=1)", "source(='7') must be 1, 2 or 3"),
        (
            "received_at(='today') must be an ISO 8601 time with its offset, years 2000 to 2099",
            "request.to is missing",
            "answer.code is missing",
        ),
    ]
