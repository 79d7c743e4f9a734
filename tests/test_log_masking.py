"""Phone numbers in texts are masked however they are written; times and ids stay as they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smssim.logs.quarantine import Quarantine
from smssim.sms.phone_numbers import masked

DIGITS = st.text("0123456789", min_size=7, max_size=15)
GAPS = st.sampled_from(["", "", " ", "-", ".", ") ", " (", "/", "\u00a0", "\u2011", "%20", "+"])
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31))
SHAPES = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H%%3A%M%%3A%SZ",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y %H:%M",
    "%m/%d/%Y",
    "%Y-%m-%d",
    "%H:%M:%S %Y-%m-%d",
    "%Y-%m-%d %H:%M:%S+08:00",
]


@given(DIGITS, st.data())
def test_no_more_than_three_digits_of_a_number_are_shown(digits: str, data: st.DataObject) -> None:
    number = digits[0] + "".join(data.draw(GAPS) + digit for digit in digits[1:])
    before, after = (
        data.draw(st.sampled_from(["+", "", "tel", "=", "("])),
        data.draw(st.sampled_from(["", ",ID", "&", " x", ";DELIVRD"])),
    )
    found = masked(f"{before}{number}{after}")
    shown = re.sub("%20", "", found)
    assert sum(map(str.isdigit, shown)) <= 3, found
    assert len(found) == len(before + number + after)


SPLITS = [
    *("\u2009", "\u200b", "\u00ad", "\u200e", "\u2212", "_", ",", ":", "*", "|", "'", "\u2019"),
    *("[", "]", "(", "{", "\t", "\u2007", "\u202f", ";", "\\u200b", "\\t", "%09", ", ", " - ", '"'),
    *("\ufeff", "\u2060", "\u2014", "</", "\n"),
]


@given(DIGITS, st.sampled_from(SPLITS), st.sets(st.integers(1, 14), min_size=1))
def test_digits_that_anything_splits_are_a_number(
    digits: str, split: str, places: set[int]
) -> None:
    """By one mark, in any places: no more than three digits are shown, unless it is a time.

    A whole number ends where its field does: what is in the next one is another figure.
    """
    number = "".join(split * (i in places) + digit for i, digit in enumerate(digits))
    if split.strip(" ") in (",", ";", "|", "\t", "\\t", '"', "\n"):
        assume(max(map(len, number.split(split))) < 7)
    found = masked(f"x={number}&y")
    left = re.sub(r"\\u200b|%09", "", found)
    is_clock = re.search(r"(?<!\d)\d{1,2}:[0-5]\d(?!:?\d)", number) if split == ":" else None
    assert is_clock or sum(map(str.isdigit, left)) <= 3, (number, found)


@given(DIGITS, st.sampled_from(["\\u003{}", "%3{}", "\\x3{}", "&#x3{};"]))
def test_digits_that_are_escaped_are_a_number(digits: str, form: str) -> None:
    """As JSON, a URL or HTML writes them."""
    found = masked("".join(map(form.format, digits)))
    assert found.count("*") == len(digits) - 3
    assert masked(digits[0] + "".join(map(form.format, digits[1:]))).count("*") == len(digits) - 3


@given(TIMES, st.sampled_from(SHAPES), st.sampled_from(["", ",", ";", "|", "\t", '"', "="]))
def test_dates_and_times_stay_readable(at: datetime, shape: str, beside: str) -> None:
    text = f"{beside}{at.replace(tzinfo=UTC).strftime(shape)}{beside}"
    assert masked(text) == text


@given(TIMES, st.sampled_from([shape for shape in SHAPES if "H" in shape]), DIGITS)
def test_a_number_beside_a_time_is_masked(at: datetime, shape: str, digits: str) -> None:
    time = at.replace(tzinfo=UTC).strftime(shape)
    for text in (f"{time},{digits},0", f"{digits};{time}", f'"{digits}","{time}"'):
        found = masked(text)
        assert time in found
        assert digits not in found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to=+6281234567890,0812345", "to=+628**********,081****"),
        ("62 812-3456-7890", "62 8**-****-****"),
        ("+62 812-3456-789 on 2018-04-13", "+62 8**-****-*** on 2018-04-13"),
        ("\uff16\uff12\uff18\uff11\uff12\uff13\uff14\uff15", "\uff16\uff12\uff18*****"),
        ("62812345678 2026-04-10 08:07:16", "628******** 2026-04-10 08:07:16"),
        ("2012-10-11-345", "201*-**-**-***"),
        ("2026-13-45 10:00", "2026-13-45 10:00"),
        ("4b4b34e7-1a9e-42ac-b309-d10997148905_85496076,1", None),
        ("E200025,0.0350,3", None),
    ],
)
def test_examples(text: str, shown: str | None) -> None:
    assert masked(text) == (shown or text)


def test_what_is_counted_by_reason_holds_no_value() -> None:
    quarantine = Quarantine()
    values = ["'+62 (0) 81234567890'", '"it\'s (0) 5"', "'+62 (0) 812345678 and so o…"]
    for value in (*values, "None", r"'aaa\…"):
        quarantine.add("f", 1, [f"To(={value}) must be a number of Country(='x (a) b')"], "")
    quarantine.add("f", 1, ["12345678 is no column"], "")
    assert quarantine.reasons == {
        "To must be a number of Country": 5,
        "123***** is no column": 1,
    }


@pytest.mark.parametrize("escape", ["\\u00{:02x}", "\\uff{:02x}", "%{:02X}", "%EF%BC%{:02X}"])
def test_escaped_digits_are_digits(escape: str) -> None:
    base = {"\\uff": 0x10, "%EF%": 0x90}.get(escape[:4], 0x30)
    number = "".join(escape.format(base + int(digit)) for digit in "6281234567801")
    assert masked(number).endswith("*" * 10)
    assert masked(number).startswith("".join(escape.format(base + int(d)) for d in "628"))
