"""The check of variable values: one test per rule, then laws about all values."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import smssim

OTP = "Your verification code is ${NUM_8}."


def findings_in(variable: str, value: str) -> list[tuple[str, str]]:
    """Severity and rule of every finding about one value."""
    text = f"Hello {variable}!"
    findings = smssim.check_values(text, [value])
    assert {text[item.start : item.end] for item in findings} <= {variable}
    return [(item.severity, item.rule) for item in findings]


def test_values_that_pass() -> None:
    text = "On ${DATE} at ${TIME} or ${TIME}: ${TXT_5}, ${NUM_3}"
    values = ["2024/02/29", "23:59", "00:00:59", "a b.c", "007"]
    assert smssim.check_values(text, values) == ()
    assert smssim.check_values("No variable", []) == ()


@pytest.mark.parametrize("values", [[], ["1", "2"]])
def test_values_count(values: list[str]) -> None:
    (item,) = smssim.check_values("Hello ${NUM_1}", values)
    assert (item.rule, item.severity) == ("E200028_count", "error")
    assert (item.start, item.end) == (0, 14)
    assert f"must get 1 values, not {len(values)}" in item.message


@pytest.mark.parametrize("value", ["12a", "", "-5", "1.5", "1 2", "١٢", "²"])
def test_values_of_num_are_digits(value: str) -> None:
    assert findings_in("${NUM_20}", value) == [("error", "E200028_type")]


@pytest.mark.parametrize("variable", ["${NUM_4}", "${TXT_4}"])
def test_values_length(variable: str) -> None:
    assert findings_in(variable, "1234") == []
    assert findings_in(variable, "12345") == [("error", "E200028_length")]


@pytest.mark.parametrize(
    "value", ["2024-01-22", "22/01/2024", "2024/1/2", "2023/02/29", "0000/01/01", "2024/01/22 ", ""]
)
def test_values_of_date(value: str) -> None:
    assert findings_in("${DATE}", value) == [("error", "E200028_type")]


@pytest.mark.parametrize("value", ["24:00", "9:00", "12:60", "12:00:60", "12:00:", "12.00", "noon"])
def test_values_of_time(value: str) -> None:
    assert findings_in("${TIME}", value) == [("error", "E200028_type")]


@pytest.mark.parametrize("value", ["{a}", "a{", "}"])
def test_values_of_txt_hold_no_braces(value: str) -> None:
    assert findings_in("${TXT_5}", value) == [("error", "E200028_characters")]


@pytest.mark.parametrize("variable", ["${1}", "${TEXT}"])
@pytest.mark.parametrize("character", list(".。'<>{}"))
def test_values_of_generic_variables(variable: str, character: str) -> None:
    assert findings_in(variable, f"a{character}b") == [("warning", "E200028_characters")]


def test_values_of_phone() -> None:
    assert findings_in("${PHONE}", "1234") == findings_in("${PHONE}", "1" * 15) == []
    assert findings_in("${PHONE}", "123") == [("warning", "E200028_length")]
    assert findings_in("${PHONE}", "1" * 16) == [("warning", "E200028_length")]


def test_values_are_no_links() -> None:
    assert findings_in("${TXT_20}", "www.example.com") == [("error", "value_link")]
    assert findings_in("${CHARDIGIT}", "t.co/abc") == [("error", "value_link")]


@pytest.mark.parametrize("value", ["123", "123456789", "12a4", "", "１２３４"])
def test_otp_value_is_4_to_8_digits(value: str) -> None:
    findings = {(item.severity, item.rule) for item in smssim.check_values(OTP, [value])}
    assert ("error", "E200051") in findings
    assert ("warning", "otp_digits") not in findings


def test_otp_value_of_more_than_6_digits() -> None:
    for digits in range(4, 9):
        findings = smssim.check_values(OTP, ["1" * digits])
        expected = [("warning", "otp_digits")] if digits > 6 else []
        assert [(item.severity, item.rule) for item in findings] == expected


def test_the_text_says_whether_it_is_a_one_time_password() -> None:
    text = "You have ${NUM_2} new messages."
    assert smssim.check_values(text, ["12"]) == ()
    (item,) = smssim.check_values(text, ["12"], type="otp")
    assert item.rule == "E200051"
    assert smssim.check_values(OTP, ["12"], type="notification") == ()


def test_values_are_a_list_of_texts() -> None:
    number: Any = 369751
    with pytest.raises(ValueError, match=r"values\[0\]\(=369751\) must be a text"):
        smssim.check_values(OTP, [number])
    with pytest.raises(ValueError, match=r"values\(='369751'\) must be a list of texts"):
        smssim.check_values(OTP, "369751")
    with pytest.raises(ValueError, match="type"):
        smssim.check_values(OTP, ["369751"], type="promotional")


def test_findings_come_in_the_order_of_the_text() -> None:
    findings = smssim.check_values("${NUM_1} and ${DATE}", ["ab", "today"])
    assert [item.rule for item in findings] == ["E200028_length", "E200028_type", "E200028_type"]
    assert "values[1](='today') must be a date yyyy/MM/dd" in findings[-1].message


names = ["NUM_6", "TXT_20", "DATE", "TIME", "1", "PHONE", "CHARDIGIT", "DATETIME", "TEXT", "X"]


@given(st.lists(st.tuples(st.sampled_from(names), st.text(max_size=25)), max_size=5))
@example([("DATE", "9999/99/99")])
def test_any_values_are_checked_and_places_are_their_variables(pairs: list[Any]) -> None:
    text = "Hi " + ", ".join(f"${{{name}}}" for name, _ in pairs)
    places = {f"${{{name}}}" for name, _ in pairs}
    for item in smssim.check_values(text, [value for _, value in pairs]):
        assert text[item.start : item.end] in places


@given(st.dates().filter(lambda day: day.year >= 1000), st.times(), st.integers(0, 999_999))
def test_values_built_by_the_rules_pass(day: date, time: Any, number: int) -> None:
    text = "${DATE}, ${TIME}, ${TIME}, ${NUM_6}"
    values = [f"{day:%Y/%m/%d}", f"{time:%H:%M}", f"{time:%H:%M:%S}", str(number)]
    assert smssim.check_values(text, values) == ()
