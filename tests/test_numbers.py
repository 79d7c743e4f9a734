"""Phone number to country: phonenumbers' own parse of every number is the oracle."""

from __future__ import annotations

import random
from typing import Any

import phonenumbers
import pytest

from smssim.codes import countries
from smssim.numbers import countries_of, normalise


def by_phonenumbers(number: str) -> str:
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return ""
    return "" if region in (None, "001") else str(region)


def numbers_like_the_examples(times: int) -> list[str]:
    """Return every region's example numbers with their last digits changed."""
    numbers = []
    draw = random.Random(1)
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in kinds:
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            plain = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            for _ in range(times):
                end = draw.randrange(5)
                tail = "".join(str(draw.randrange(10)) for _ in range(end))
                numbers.append(plain[: len(plain) - end] + tail)
    return numbers


def test_prefixes_agree_with_phonenumbers_wherever_it_knows_the_country() -> None:
    numbers = [number for number in numbers_like_the_examples(4) if by_phonenumbers(number)]
    found = countries_of(numbers)
    wrong = [
        (number, country, by_phonenumbers(number))
        for number, country in zip(numbers, found, strict=True)
        if country != by_phonenumbers(number)
    ]
    assert wrong == []
    assert len(set(found)) > 230


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+447911123456", "GG"),
        ("+447912123456", "GB"),
        ("+77011234567", "KZ"),
        ("+79161234567", "RU"),
        ("+12423591234", "BS"),
        ("+12025550123", "US"),
        ("+14165550123", "CA"),
        ("+393123456789", "IT"),
        ("+390669812345", "VA"),
        ("+6281234567890", "ID"),
        ("+8613800138000", "CN"),
        ("+38344123456", "XK"),
        ("+80012345678", ""),
        ("+99912345678", ""),
        ("", ""),
        ("garbage", ""),
        ("+", ""),
    ],
)
def test_country(number: str, country: str) -> None:
    assert countries_of([number]) == [country]


def test_the_order_of_numbers_does_not_change_their_countries() -> None:
    numbers = numbers_like_the_examples(1)
    assert countries_of(numbers[::-1]) == countries_of(numbers)[::-1]


def test_a_wrong_length_does_not_change_the_country() -> None:
    assert countries_of(["+1242359", "+12423591234567"]) == ["BS", "BS"]


def test_every_region_is_a_country_of_the_reference_table() -> None:
    assert set(phonenumbers.SUPPORTED_REGIONS) <= set(countries())


@pytest.mark.parametrize(
    "written",
    [
        "+6280450955808",
        "6280450955808",
        "006280450955808",
        " +62 804-5095 (5808) ",
        "+62\u00a0804\u20135095\u20135808",
        6280450955808.0,
        pytest.param(6280450955808, id="int"),
    ],
)
def test_normalise_accepts(written: object) -> None:
    assert normalise(written) == "+6280450955808"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "+",
        "phone",
        "+1234",
        "+1234567890123456",
        "0812345678",
        "+0812345678",
        "+62 812x4567",
        "+62.812.4567",
        "+44 (0)20 7946 0000",
        "+٦٢٨١٢٣٤٥٦",
        "+62812345\n+62812346",
        None,
        True,
        -6280450955808.0,
        62804.5,
        float("nan"),
        float("inf"),
    ],
)
def test_normalise_refuses(written: Any) -> None:
    assert normalise(written) is None
