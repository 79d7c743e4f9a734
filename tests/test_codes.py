"""Reference tables: complete, well-formed, and read as their columns say."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smssim.sms import reference as codes


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("status_codes", 53),
        ("api_errors", 44),
        ("advice", None),
        ("countries", 252),
        ("sending_rules", None),
        ("prices", None),
        ("literature", None),
    ],
)
def test_every_row_has_every_column(table: str, rows: int | None) -> None:
    read = codes.reference(table)
    assert rows in (None, len(read))
    assert read
    assert all(None not in row and None not in row.values() for row in read)


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"table\(='passwords'\) must be one of advice"):
        codes.reference("passwords")


def test_no_code_stands_twice() -> None:
    assert len(codes.status_codes()) == len(codes.reference("status_codes"))
    assert len(codes.api_errors()) == len(codes.reference("api_errors"))


@pytest.mark.parametrize(
    ("code", "source", "final", "charged"),
    [
        ("DELIVRD", "supplier", True, True),
        ("EXPIRED", "supplier", True, True),
        ("REJECTD", "supplier", True, True),
        ("UNDELIV", "either", True, None),
        ("ACCEPTD", "supplier", False, None),
        ("E000629", "huawei", True, False),
        ("E200048", "huawei", None, False),
        ("SC:0001", "huawei", True, False),
    ],
)
def test_status_codes(code: str, source: str, final: bool | None, charged: bool | None) -> None:
    status = codes.status_codes()[code]
    assert (status.source, status.final, status.charged) == (source, final, charged)


def test_what_huawei_refuses_is_never_charged() -> None:
    huawei = [status for status in codes.status_codes().values() if status.source == "huawei"]
    assert len(huawei) > 30
    assert all(status.charged is False for status in huawei)


def test_api_errors() -> None:
    errors = codes.api_errors()
    assert errors["000000"].http_status == 200
    assert errors["E000623"].http_status == 403
    assert errors["E000101"].http_status is None
    assert errors["E200041"].level == "status"
    assert errors["E200041"].http_status is None
    assert errors["HTTP 404"].http_status == 404


def test_tables_cannot_be_changed() -> None:
    for table in (codes.status_codes(), codes.api_errors(), codes.countries()):
        loose: Any = table
        with pytest.raises(TypeError):
            loose["X"] = None
    assert codes.countries() is codes.countries()


def test_describe_tells_both_tables_apart() -> None:
    assert codes.describe("DELIVRD") == (
        "DELIVRD: Handset received the SMS (delivery report, supplier, charged)"
    )
    assert "Huawei platform, not charged" in codes.describe("E000629")
    assert "HTTP 403" in codes.describe("E000623")
    assert len(codes.describe("E000503").splitlines()) == 2
    with pytest.raises(ValueError, match=r"code\(='E999999'\)"):
        codes.describe("E999999")


def test_every_country_has_a_zone_that_exists() -> None:
    for country in codes.countries().values():
        assert len(country.iso2) == 2
        assert country.name
        ZoneInfo(country.zone)


@pytest.mark.parametrize(
    ("iso2", "name", "zone"),
    [
        ("ID", "Indonesia", "Asia/Jakarta"),
        ("US", "United States", "America/New_York"),
        ("RU", "Russia", "Europe/Moscow"),
        ("NO", "Norway", "Europe/Oslo"),
        ("XK", "Kosovo", "Europe/Belgrade"),
    ],
)
def test_countries(iso2: str, name: str, zone: str) -> None:
    assert codes.countries()[iso2] == codes.Country(iso2, name, zone)


def test_every_code_that_an_international_message_meets_has_advice() -> None:
    """One short sentence in the imperative, and none for what is no failure."""
    met = {code for code, status in codes.status_codes().items() if status.scope != "mainland"}
    met |= set(codes.api_errors())
    assert set(codes.advice()) == met - {"DELIVRD", "ACCEPTD", "000000"}
    assert len(codes.advice()) == len(codes.reference("advice"))
    for text in codes.advice().values():
        assert text.endswith(".")
        assert text[0].isupper()
        assert len(text) <= 150
