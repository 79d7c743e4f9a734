"""Headings to fields: synonyms, a person's mapping, and errors that show the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smssim.logs.columns.fields import FIELDS, SYNONYMS, fields_by_heading, plain, zone_of
from smssim.logs.columns.headings import Matching, StatedColumn, is_heading, match, stated_columns
from smssim.logs.log import ColumnMappingError
from smssim.record.schema import MESSAGES

ENGLISH = (
    *("SMS ID", "Phone Number", "Country/Region", "Template ID", "Application Name", "SMS Type"),
    *("Send Time", "Report Time", "Sending Result", "Status Code", "Charged or Not"),
)
CHINESE = (
    *("短信ID", "接收号码", "国家/地区", "模板ID", "应用名称", "短信类型", "发送时间（北京时间）"),
    *("状态报告时间", "发送结果", "状态码", "是否计费"),
)
WANTED = ("id", "number", "country", "template", "application", "type", "submitted", "final")
WANTED += ("result", "status", "charged")


@pytest.mark.parametrize("headings", [ENGLISH, CHINESE])
def test_an_export_is_recognised(headings: tuple[str, ...]) -> None:
    """In both languages, column by column."""
    found = match(headings)
    assert found.record_type == "details"
    assert found.columns == dict(zip(WANTED, headings, strict=True))
    assert found.passed_over == ()
    assert is_heading(headings)


def test_fields_of_the_api_are_recognised() -> None:
    """Answers have a submission, callbacks are reports."""
    answer = ("smsMsgId", "from", "originTo", "status", "createTime", "countryId", "total")
    fields = ("id", "channel", "number", "status", "submitted", "country", "segments")
    assert match(answer).columns == dict(zip(fields, answer, strict=True))
    callback = ("smsMsgId", "total", "sequence", "status", "statusDesc", "source", "updateTime")
    found = match((*callback, "orgCode"))
    assert found.record_type == "reports"
    assert found.columns["final"] == "updateTime"
    assert found.passed_over == ("statusDesc", "orgCode")


def test_our_own_messages_are_recognised() -> None:
    """All their columns but the package; other tables use some of their names otherwise."""
    found = match([column.name for column in MESSAGES])
    assert found.record_type == "details"
    assert found.passed_over == ("package",)
    assert found.columns["source_name"] == "source"
    assert found.columns["recipient"] == "recipient"
    assert match(("Recipient", "Send Time")).columns["number"] == "Recipient"


@given(st.sampled_from(["Send Time", "发送时间"]), st.sampled_from(["", " ", "_", "-"]))
def test_headings_are_compared_without_what_differs(heading: str, gap: str) -> None:
    """Case, blanks, marks, brackets, zones."""
    for written in (
        heading.upper(),
        heading.replace(" ", gap),
        f"\ufeff {heading} ",
        f"{heading} (UTC+8)",
        f"{heading}[local]",
        f"{heading}（北京时间）",
        f"{heading} Asia/Shanghai",
    ):
        assert fields_by_heading(False)[plain(written)] == "submitted", written


@pytest.mark.parametrize(
    ("heading", "zone"),
    [
        ("Send Time (UTC+8)", "UTC+8"),
        ("Send Time (UTC+08:00)", "UTC+08:00"),
        ("Send Time [GMT -3]", "GMT-3"),
        ("create_time_utc", "utc"),
        ("发送时间（北京时间）", "+08:00"),
        ("Time (Asia/Shanghai)", "Asia/Shanghai"),
        ("time +05:30", "+05:30"),
        ("Send Time", None),
        ("output code", None),
    ],
)
def test_zones_of_headings(heading: str, zone: str | None) -> None:
    """As `tz=` would give them."""
    assert zone_of(heading) == zone


def test_no_word_means_two_fields() -> None:
    """Nor is one written twice."""
    words = [plain(word) for several in SYNONYMS.values() for word in set(map(plain, several))]
    assert len(words) == len(set(words)), sorted(w for w in words if words.count(w) > 1)


def matched(headings: list[str]) -> Matching | str:
    """The matching, or why there is none."""
    try:
        return match(headings)
    except ColumnMappingError as error:
        return str(error)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=12) | st.sampled_from(ENGLISH + CHINESE), max_size=8))
def test_any_headings_match_or_say_why_not(headings: list[str]) -> None:
    """Each column is matched or ignored; the only error is ColumnMappingError."""
    is_heading(headings)
    found = matched(headings)
    if isinstance(found, str):
        assert "--columns" in found
        return
    assert sorted([*found.columns.values(), *found.passed_over]) == sorted(headings)


def test_headings_need_two_fields_and_a_time_or_id() -> None:
    """Lines before them have neither."""
    assert is_heading(["", "发送时间", None, "手机号码"])
    assert not is_heading(["Phone", "Country"])
    assert not is_heading(["Send Time"])
    assert not is_heading(["Export of", "2024-05-01 00:00:00"])
    assert not is_heading([])
    assert not is_heading(["when", "who"])
    assert is_heading(["when", "who"], {"submitted": "when", "number": "who"})


def test_two_columns_for_one_field_are_named() -> None:
    """Until a mapping says which."""
    headings = ("Send Time", "Phone", "Mobile")
    with pytest.raises(
        ColumnMappingError, match=r"number is matched by 'Phone' and 'Mobile'.*--columns"
    ):
        match(headings)
    found = match(headings, {"number": "Mobile"})
    assert (found.columns["number"], found.passed_over) == ("Mobile", ("Phone",))


@pytest.mark.parametrize(
    ("headings", "told"),
    [
        (("foo", "bar"), "'foo', 'bar' say no field that is known: submitted is missing"),
        (("Send Time", "foo"), "submitted by 'Send Time', but a number or a country is missing"),
        (("SMS ID", "Phone"), "but submitted is missing, or status for a table of reports"),
        ((), "no field that is known"),
        (("+6281234567890", "DELIVRD"), "'+628**********', 'DELIVRD'"),
    ],
)
def test_a_table_of_no_kind(headings: tuple[str, ...], told: str) -> None:
    """Its headings, what they matched, what is missing, and the remedy."""
    with pytest.raises(ColumnMappingError) as error:
        match(headings)
    assert told in str(error.value)
    assert "--columns map.yaml" in str(error.value)


def test_kinds() -> None:
    """Details have an outcome, sends have none, reports have no submission."""
    assert match(("Send Time", "Country")).record_type == "sends"
    assert match(("Send Time", "Country", "Result")).record_type == "details"
    assert match(("SMS ID", "Status", "Phone")).record_type == "reports"


def write(folder: Path, text: str) -> Path:
    """A file of that text."""
    path = folder / "map.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_says_it_by_hand(tmp_path: Path) -> None:
    """Fields to headings, with formats for times."""
    text = 'submitted: {heading: 时刻, format: "%d/%m/%Y %H:%M"}\nnumber: wer\n'
    found = match(("时刻", "wer", "x"), write(tmp_path, text))
    assert found.columns == {"submitted": "时刻", "number": "wer"}
    assert found.time_formats["submitted"].formats == ("%d/%m/%Y %H:%M",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("submited: t\n", ":1:1: the field 'submited' does not exist: did you mean 'submitted'?"),
        ("number: t\nid: 5\n", ":2:5: id(=5) must be a heading"),
        ("id: {head: t}\n", ":1:6: the key 'head' does not exist: did you mean 'heading'?"),
        ("id: {heading: t, format: '%Y'}\n", ":1:18: only times have a format: submitted"),
        ("sent: {heading: t, format: '%Q'}\n", ":1:28: format(='%Q') must be of %Y"),
        ("sent: {heading: t, format: '%H:%M'}\n", "must hold year, month, day, hour and minute"),
        ("id: a\nid: b\n", ":2:1: "),
        ("- a\n", ":1:1: must be a mapping of fields to headings"),
        ("", ":1:1: must be a mapping"),
        ("id: [\n", ":2:1: "),
        ("id: none\n", ":1:5: the heading 'none' is not in the file: did you mean 'nine'?"),
    ],
)
def test_what_is_wrong_in_a_file_has_its_place(tmp_path: Path, text: str, told: str) -> None:
    """File, line and column, and what was meant."""
    path = write(tmp_path, text)
    with pytest.raises(ColumnMappingError) as error:
        match(("nine", "Send Time"), path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Is an error with its name."""
    with pytest.raises(ColumnMappingError, match="nowhere"):
        match(("a",), tmp_path / "nowhere.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ColumnMappingError, match="UTF-8"):
        match(("a",), tmp_path / "bytes.yaml")


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=8)


def read(mapping: dict[Any, Any]) -> dict[str, StatedColumn] | str:
    """What the mapping says, or why it cannot be used."""
    try:
        return stated_columns(mapping)
    except ColumnMappingError as error:
        return str(error)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(FIELDS) | PLAIN,
        PLAIN | st.dictionaries(st.sampled_from(["heading", "format"]) | PLAIN, PLAIN),
        max_size=4,
    )
)
def test_any_mapping_is_read_or_refused(mapping: dict[Any, Any]) -> None:
    """The only error is ColumnMappingError."""
    found = read(mapping)
    assert found.startswith("columns") if isinstance(found, str) else set(found) == set(mapping)


def test_headings_in_two_languages() -> None:
    """Chinese and English next to each other, with any mark between, mean one field."""
    headings = ("短信ID SMS ID", "手机号码/Phone Number", "提交时间 Submit Time", "Status 状态")
    assert tuple(match(headings).columns) == ("id", "number", "submitted", "status")
    assert is_heading(headings)
    assert "status" not in match(("短信ID", "手机号码", "提交时间", "状态 Country")).columns
