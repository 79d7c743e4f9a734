"""Phone number to country: phonenumbers' own parse of every number is the oracle."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import phonenumbers
import pytest

from smssim.sms.phone_numbers import countries_of, country_index_of, digits_of, normalise
from smssim.sms.reference import countries


def by_phonenumbers(number: str) -> str:
    """Return the country, or "" where there is none or digits were left out to find it."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    # A national prefix within an international number, as in +44 0800, is no part of it.
    if phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) != number:
        return ""
    region = phonenumbers.region_code_for_number(parsed)
    return "" if region in (None, "001") else str(region)


def numbers_like_the_examples(times: int) -> list[str]:
    """Return every region's example numbers of every kind, and some with changed last digits."""
    numbers = []
    draw = random.Random(1)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            plain = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            numbers.append(plain)
            for _ in range(times):
                end = min(draw.randrange(1, 9), len(plain) - 3)
                tail = "".join(str(draw.randrange(10)) for _ in range(end))
                numbers.append(plain[: len(plain) - end] + tail)
    return numbers


def is_short_canadian(number: str) -> bool:
    """Tell the seven digits that are Canadian by their length alone; they take no messages."""
    return number.startswith("+1310") and len(number) == 9


def test_prefixes_agree_with_phonenumbers_wherever_it_knows_the_country() -> None:
    like = [number for number in numbers_like_the_examples(36) if by_phonenumbers(number)]
    numbers = [number for number in like if not is_short_canadian(number)]
    assert len(numbers) > 20_000
    found = countries_of(numbers)
    wrong = [
        (number, country, by_phonenumbers(number))
        for number, country in zip(numbers, found, strict=True)
        if country != by_phonenumbers(number)
    ]
    assert wrong == []
    assert len(set(found)) > 240


def shared_codes() -> dict[int, tuple[str, ...]]:
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return {code: regions for code, regions in codes.items() if len(regions) > 1}


@pytest.mark.parametrize("calling_code", shared_codes())
def test_countries_that_share_a_calling_code_are_told_apart(calling_code: int) -> None:
    draw = random.Random(calling_code)
    lengths = {1: 10, 7: 10, 39: 10, 44: 10, 47: 8, 61: 9, 290: 5, 358: 8, 599: 7}
    size = lengths.get(calling_code, 9)
    numbers = [f"+{calling_code}{draw.randrange(10**size):0{size}d}" for _ in range(2_000)]
    mobile = [
        phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        for region in shared_codes()[calling_code]
    ]
    plain = phonenumbers.PhoneNumberFormat.E164
    numbers += [phonenumbers.format_number(number, plain) for number in mobile if number]
    known = [number for number in numbers if by_phonenumbers(number)]
    assert len(known) > 15
    assert countries_of(known) == [by_phonenumbers(number) for number in known]


def test_no_country_shares_the_codes_that_one_country_has() -> None:
    """A number of a code of its own is that country's, whatever follows."""
    alone = {
        code: regions[0]
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        if len(regions) == 1
    }
    assert len(alone) > 190
    for rest in ("00000000", "99999999"):
        expected = [region.replace("001", "") for region in alone.values()]
        assert countries_of([f"+{code}{rest}" for code in alone]) == expected


def test_an_array_of_numbers_has_the_countries_of_the_list() -> None:
    numbers = numbers_like_the_examples(4)
    random.Random(2).shuffle(numbers)
    digits = np.array([digits_of(number) for number in numbers] + [0, 12345, 999999, 10**15 - 1])
    names, index = country_index_of(digits)
    assert index.dtype == np.uint8
    found = [names[i] for i in index.tolist()]
    assert found == countries_of([f"+{number}" for number in digits.tolist()])
    assert names == tuple(dict.fromkeys(found))
    assert "" in names


def test_an_array_without_numbers_has_no_countries() -> None:
    names, index = country_index_of(np.array([], dtype=np.int64))
    assert (names, index.tolist(), index.dtype) == ((), [], np.uint8)


@pytest.mark.parametrize("number", [-1, 10**15])
def test_an_array_holds_no_impossible_numbers(number: int) -> None:
    with pytest.raises(ValueError, match="digits must be >= 0 and have at most 15"):
        country_index_of(np.array([6281234567890, number]))


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
        ("+33612345678", "FR"),
        ("+18091234567", "DO"),
        ("+17875551234", "PR"),
        ("+447700312345", "JE"),
        ("+447624123456", "IM"),
        ("+4741234567", "NO"),
        ("+4779123456", "SJ"),
        ("+61412345678", "AU"),
        ("+61891621234", "CC"),
        ("+61891641234", "CX"),
        ("+212650123456", "MA"),
        ("+212528812345", "MA"),  # never told apart from EH
        ("+262692123456", "RE"),
        ("+262639012345", "YT"),
        ("+29051234", "SH"),
        ("+2908999", "TA"),
        ("+358412345678", "FI"),
        ("+3581812345678", "AX"),
        ("+50051234", "FK"),
        ("+590690001234", "GP"),
        ("+59995181234", "CW"),
        ("+5993181234", "BQ"),
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
    assert digits_of(written) == 6280450955808


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
    assert digits_of(written) == 0
