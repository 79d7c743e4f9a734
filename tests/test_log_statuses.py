"""Statuses of anybody's tables: read by their words and codes, or asked about by name."""

from __future__ import annotations

from typing import Any

import pytest
from log_tables import piece, reasons, sends

from smssim.logs.columns.statuses import NOT_A_STATUS
from smssim.logs.join.facts import Names
from smssim.logs.log import ColumnMappingError
from smssim.sms.country_names import country_of
from smssim.sms.reference import status_codes

DELIVERED, FAILED, WAITING = "DELIVRD", "FAILED", None


def read(values: list[str], heading: str = "Status", mapping: Any = None) -> list[str | None]:
    """The statuses that a column is read as; "?" for a value that is asked about."""
    names = Names()
    found = piece(sends(len(values), **{heading: values}), names=names, mapping=mapping)
    asked = set(reasons(found.rejected))
    codes = iter(found.sends["status"].tolist())
    labels = [*names.status.names, None]
    return ["?" if row in asked else labels[next(codes)] for row in range(len(values))]


@pytest.mark.parametrize(
    ("status", "texts"),
    [
        (DELIVERED, ("Success (0)", "Success - DELIVRD", "Delivered", "read", "delivered: ok")),
        (
            DELIVERED,
            ("已送达", "成功 Success", "Delivered 已送达", "DELIVRD (delivered)", "delivrd"),
        ),
        (FAILED, ("Not delivered", "undelivered", "Failed", "失败", "Failed (no route)")),
        ("EXPIRED", ("Expired", "Failed: EXPIRED", "EXPIRED no answer", "已过期")),
        ("MK:0012", ("MK:0012", "MK:0012 (empty number)", "Failed - MK:0012")),
        ("SPAMBLK", ("SPAMBLK",)),
        (
            WAITING,
            ("pending", "Sent", "QUEUED", "No report yet", "sending (2)", "已提交", "ENROUTE"),
        ),
        (WAITING, ("None", "nan", "NaN", "NULL", "null", "<NA>", "-", "", "N/A", "NA", "无")),
    ],
)
def test_words_and_codes(status: str | None, texts: tuple[str, ...]) -> None:
    """With explanations, in two languages, in any case."""
    assert read(list(texts)) == [status] * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        *("0", "1", "3", "4", "200", "OK", "done", "Message has been accepted by phone carrier"),
        *("Unknown error attempting to reach phone", "Success - UNDELIV", "Sent (DELIVRD)"),
        *("超时", "TIMEDOUT", "toolongone", "ok (delivered?)", "Success Failed", "QUEUE"),
    ],
)
def test_what_is_in_no_table_is_asked_about(text: str) -> None:
    """By its value, and never counted: neither as a failure nor as anything else."""
    found = piece(sends(2, Status=[text, "DELIVRD"]))
    assert reasons(found.rejected) == {0: (f"Status(={text!r}) {NOT_A_STATUS}",)}


def test_every_code_of_the_tables_is_itself() -> None:
    """In capitals or not."""
    codes = [code for code in status_codes()]
    assert read(codes) == codes
    assert read([code.lower() for code in codes]) == codes


def test_words_are_stated_with_the_columns() -> None:
    """By value; what they mean is a status like any other, or a code of the person's own."""
    mapping = {
        "status": {
            "heading": "Zustand",
            "values": {"超时": "EXPIRED", "3": "delivered", "1": "sending", "weg": "GONE"},
        }
    }
    texts = ["超时", "3", "1", "weg", "2"]
    assert read(texts, "Zustand", mapping) == ["EXPIRED", "DELIVRD", None, "GONE", "?"]
    assert read(["超时", "DELIVRD"], mapping={"status": {"values": {"超时": "EXPIRED"}}}) == [
        "EXPIRED",
        "DELIVRD",
    ]
    for field, meaning, rule in (
        ("status", "EXPIRD", r"did you mean 'EXPIRED'\?"),
        ("status", "not a code at all", "must be a status code of 1 to 7 characters"),
        ("result", "7", "must be 0 to 4"),
        ("charged", "perhaps", "must be 0 "),
        ("country", "Atlantis", "must be a country"),
    ):
        stated = {field: {"heading": "Status", "values": {"超时": meaning}}}
        with pytest.raises(ColumnMappingError, match=rf"{field}\.values: values\['超时'\].*{rule}"):
            read(["超时"], mapping=stated)
    with pytest.raises(ColumnMappingError, match="no heading is recognised as charged"):
        read(["x"], mapping={"charged": {"values": {"gratis": 1}}})
    with pytest.raises(ColumnMappingError, match="only codes have values"):
        read(["x"], mapping={"id": {"heading": "SMS ID", "values": {"a": "b"}}})


@pytest.mark.parametrize("heading", ["Send Status", "发送状态", "Sending Status"])
def test_a_send_status_is_no_delivery(heading: str) -> None:
    """It states that the API took the message; a failure, or a delivery report, is one."""
    texts = ["Success", "发送成功", "成功 Success", "Failed", "DELIVRD", "sending", "2"]
    assert read(texts, heading) == [None, None, None, "FAILED", "DELIVRD", None, "?"]


def test_a_delivery_report_beside_a_send_status() -> None:
    """The report counts, and the send status where there is none."""
    names = Names()
    columns = {
        "Send Status": ["Success", "Success", "Success", "Failed"],
        "Delivery Report": ["DELIVRD", "UNDELIV", "", ""],
    }
    codes = piece(sends(4, **columns), names=names).sends["status"]
    assert [names.status.names[code] if code >= 0 else None for code in codes.tolist()] == [
        *("DELIVRD", "UNDELIV", None, "FAILED")
    ]


def test_bilingual_values_of_other_columns() -> None:
    """Both languages mean the same, and what is Chinese is no code in lower case."""
    columns = {
        "Country": ["泰国 Thailand", "泰国", "Thailand/泰国"],
        "SMS Type": ["验证码 OTP"] * 3,
    }
    names = Names()
    found = piece(sends(3, Phone=[""] * 3, **columns), names=names)
    assert not found.rejected
    assert not found.repaired
    assert names.country.names == ["TH"]
    assert names.type.names == ["otp"]
    assert country_of("泰国 Thailand") is None


def test_segments_that_cannot_be_read_lose_no_message() -> None:
    """They are unknown, and counted as a repair."""
    found = piece(sends(5, Segments=["3.0", "many", "-1", "100", "2"]))
    assert found.sends["segments"].tolist() == [3, 0, 0, 0, 2]
    assert found.repaired["counts of segments that cannot be read"] == 3


def test_a_unit_price_is_one_of_segments() -> None:
    """A row of a message costs it for each segment, a row of a segment once."""
    columns = {"条数": ["3", "1", ""], "单价": ["0.05"] * 3}
    assert piece(sends(3, **columns)).sends["cost"].tolist()[:2] == [150_000, 50_000]
    assert piece(sends(3, **columns)).sends["cost"][2] < 0
    parts = piece(sends(2, **{"条数": ["2", "2"], "Part": ["1", "2"], "单价": ["0.05"] * 2}))
    assert parts.sends["cost"].tolist() == [50_000, 50_000]


def test_amounts_with_their_currency() -> None:
    """A code is that of the log; of signs, one is allowed."""
    found = piece(sends(5, Cost=["$0.05", "0.05 USD", "USD 0.05", "0.05", "0.05 EUR"]))
    assert found.sends["cost"].tolist() == [50_000] * 4
    assert reasons(found.rejected)[4][0].endswith("must be USD, the currency of the log")
    other = piece(sends(2, Cost=["$0.05", "€0.05"]))
    assert list(reasons(other.rejected)) == [1]
