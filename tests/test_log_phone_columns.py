"""Numbers as consoles and spreadsheets leave them: without their code, as floats, with marks."""

from __future__ import annotations

import pytest
from log_tables import piece, pieces, reasons, sends

from smssim.logs.join.facts import Names
from smssim.sms.phone_numbers import countries_of, normalise

MAINLAND = ["18612345678", "13912345678", "19912345678", "15012345678", "13000000000"]
OF_ONE = [f"1{area}5550{i:03d}" for i, area in enumerate((310, 416, 702, 604, 815, 917) * 3)]


def countries(numbers: list[str], **columns: list[str]) -> list[str]:
    """The country of each number, "?" for one that is asked about."""
    names = Names()
    found = piece(sends(len(numbers), Phone=numbers, **columns), names=names)
    asked = set(reasons(found.rejected))
    codes = iter(found.sends["country"].tolist())
    return [
        "?" if row in asked else names.country.names[next(codes)] for row in range(len(numbers))
    ]


def test_mainland_numbers_without_their_code() -> None:
    """Half of them cannot be of +1: then none is; a number with a plus is what it says."""
    assert countries([*MAINLAND, "+6281234567890"]) == ["CN"] * 5 + ["ID"]
    assert countries([*MAINLAND, "+13105550100"]) == ["CN"] * 5 + ["US"]


def test_numbers_of_one_without_their_plus() -> None:
    """A column of them has none that cannot be."""
    assert set(countries(OF_ONE)) == {"US", "CA"}


def test_one_number_is_no_evidence() -> None:
    """It is asked about, and a country next to it answers."""
    assert countries(["13105550100"]) == ["?"]
    assert countries(["13105550100"], Country=["US"]) == ["US"]
    assert countries(["13105550100"], Country=["CN"]) == ["CN"]
    assert countries(["18612345678"], Country=["ID"]) == ["?"]


def test_batches_wait_for_the_number_that_decides() -> None:
    """And a number is the same message's with its code and without."""
    first, second = sends(1, Phone=["13912345678"]), sends(1, Phone=["18112345678"])
    with_code = sends(1, Phone=["+8613912345678"])
    names = Names()
    found = pieces(first, second, with_code, names=names)
    assert [names.country.names[one.sends["country"][0]] for one in found] == ["CN"] * 3
    assert found[0].sends["number"][0] == found[2].sends["number"][0]
    assert found[0].repaired["numbers of mainland China without their 86"] == 1


def test_numbers_of_a_float_column_are_read() -> None:
    """No digit is lost, and the repair is counted."""
    found = piece(sends(2, Phone=["6281234567801.0", "+6281234567802.0"]))
    assert not found.rejected
    assert found.repaired["numbers with a decimal point"] == 2


@pytest.mark.parametrize(
    "text", ["tel:+62-812-3456-7801", "62.812.3456.7801", "+62/812/34567801", "TEL:6281234567801"]
)
def test_more_marks_between_digits(text: str) -> None:
    """A link, points, slashes: the same number."""
    plain = piece(sends(1, Phone=["+6281234567801"])).sends["number"][0]
    assert piece(sends(1, Phone=[text])).sends["number"].tolist() == [plain]


@pytest.mark.parametrize(
    "mark", ["\u202a", "\u200e", "\u2068", "\u200b", "\u00ad", "\ufeff", "\u2060"]
)
def test_characters_that_no_one_sees_are_dropped(mark: str) -> None:
    """Wherever they are, in a table and in a file of numbers."""
    number = f"{mark}+62812{mark}34567801{mark}"
    assert normalise(number) == "+6281234567801"
    found = piece(sends(1, Phone=[number]))
    assert not found.rejected
    assert found.repaired["invisible characters"] == 1


def test_ranges_that_no_plan_knows_are_the_main_countrys() -> None:
    """Of a shared code as of one that is not shared; +1 has no main country."""
    assert countries_of(["+447700900123", "+79000000000"]) == ["GB", "RU"]
    assert countries_of(["+19995550100"]) == [""]
