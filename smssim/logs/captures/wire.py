"""What a message is called on the wire: channel number, template ID, smsMsgId, phone number.

Everything is a function of names and counters, so one run always gives the same capture.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from smssim.arrays import Ints
from smssim.logs.captures.seen_by_customer import Codes, Sent
from smssim.sms.phone_numbers import countries_of
from smssim.stats.keyed_random import PHI, KeyedRandom, Words, mix64_array

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

__all__ = ["Wire", "channel", "channels_of", "country_of_numbers", "number_prefix", "template_id"]

_LONGEST_TEMPLATE_ID = 32

_PREFIX = 9
_LOCAL_DIGITS = 7
_UUID = 36
_DIGITS = [index for index in range(_UUID) if index not in (8, 13, 18, 23)]
# The form of DOMAIN.md's sample IDs: the version and variant bits of a random UUID.
_VERSION_CLEARED, _VERSION = np.uint64(0xFFFFFFFFFFFF0FFF), np.uint64(0x4000)
_VARIANT_CLEARED, _VARIANT = np.uint64(0x3FFFFFFFFFFFFFFF), np.uint64(0x8000000000000000)

# Counters of words beyond those of the IDs, which are twice the resend number and one more.
_NUMBERS, _PASSWORDS = np.uint64(1 << 20), np.uint64(1 << 21)


def channel(application: str) -> str:
    """Return the channel number of an application: "isms" and 10 digits, made from its name.

    It is the `from` of requests and answers (DOMAIN.md section 6).
    """
    return f"isms{_hash(application) % 10**10:010d}"


def channels_of(sent: Sent) -> list[str]:
    """Return the channel number of each application, made from its name if it has none."""
    pairs = zip(sent.application.labels, sent.channels, strict=True)
    return [number or channel(name) for name, number in pairs]


def template_id(template: str) -> str:
    """Return the template ID: the template's name, cut and marked where it is over 32 characters.

    A templateId is 1 to 32 characters long (`reference/api_errors.csv`, E000503).
    """
    if len(template) <= _LONGEST_TEMPLATE_ID:
        return template
    return f"{template[:23]}-{_hash(template) % 2**32:08x}"


@cache
def number_prefix(country: str) -> str:
    """Return "+" and the 8 digits that the fictitious numbers of *country* begin with.

    With the 7 digits that follow a number is longer than nearly every plan allows, so that it is
    no one's. Raise a ValueError for a country without a calling code.
    """
    import phonenumbers

    code = phonenumbers.country_code_for_region(country)
    if not code:
        raise ValueError(f"country(={country!r}) must have a calling code to write its numbers")
    prefixes = [_nine(number) for number in _examples(country)] + [_nine(f"+{code}")]
    # Not every region's numbers differ from its neighbour's (EH, MF).
    right = (prefix for prefix in prefixes if countries_of([prefix]) == [country])
    return next(right, prefixes[0])


@cache
def country_of_numbers(country: str) -> str:
    """Return the country that a fictitious number of *country* is seen to belong to.

    A request refused as a whole names no country, only numbers (DOMAIN.md section 6).
    """
    return countries_of([number_prefix(country)])[0]


def _examples(country: str) -> list[str]:
    import phonenumbers
    from phonenumbers import PhoneNumberType

    number_types = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    examples: list[PhoneNumber | None] = [
        phonenumbers.example_number_for_type(country, number_type) for number_type in number_types
    ]
    return [f"+{number.country_code}{_national(number)}" for number in examples if number]


def _national(number: PhoneNumber) -> str:
    import phonenumbers

    return str(phonenumbers.national_significant_number(number))


def _nine(number: str) -> str:
    return number[:_PREFIX].ljust(_PREFIX, "0")


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


class Wire:
    """The wire's names of the messages of one run, made for some of its rows at a time.

    Raise a ValueError for a country that has no calling code.
    """

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self.channels = channels_of(sent)
        self.templates = [template_id(name) for name in sent.template.labels]
        self._prefixes = [number_prefix(name) for name in sent.country.labels]
        self._keys = _keys(sent.source)

    def ids(self, rows: Ints) -> list[str]:
        """Return the smsMsgId of each row: a UUID for its request, "_" and the recipient."""
        sent = self._sent
        resends = sent.resend_number[rows].astype(np.uint64)
        high = self._words(rows, resends * np.uint64(2))
        low = self._words(rows, resends * np.uint64(2) + np.uint64(1))
        high = (high & _VERSION_CLEARED) | _VERSION
        low = (low & _VARIANT_CLEARED) | _VARIANT
        names = _hyphenated(np.stack([high, low], axis=1))
        return [
            f"{names[at : at + _UUID]}_{recipient}"
            for at, recipient in zip(
                range(0, len(names), _UUID), sent.recipient[rows].tolist(), strict=True
            )
        ]

    def numbers(self, rows: Ints) -> list[str]:
        """Return the phone number of each row; a resend goes to that of its first copy."""
        sent, prefixes = self._sent, self._prefixes
        first = self._words(rows, np.full(len(rows), _NUMBERS)) % 10**_LOCAL_DIGITS
        # Counted on from the request's first number, so that only duplicates appear in it twice.
        local = (first.astype(np.int64) + sent.number[rows]) % 10**_LOCAL_DIGITS
        return [
            f"{prefixes[country]}{digits:07d}"
            for country, digits in zip(
                sent.country.codes[rows].tolist(), local.tolist(), strict=True
            )
        ]

    def passwords(self, rows: Ints) -> list[str]:
        """Return a one-time password of 6 digits for the request of each row."""
        counters = self._sent.resend_number[rows].astype(np.uint64) + _PASSWORDS
        return [f"{word:06d}" for word in (self._words(rows, counters) % 10**6).tolist()]

    def _words(self, rows: Ints, counters: Words) -> Words:
        requests = self._sent.request[rows].astype(np.uint64) * np.uint64(PHI)
        of_request = mix64_array(self._keys[self._sent.source.codes[rows]] + requests)
        return mix64_array(of_request + (counters + np.uint64(1)) * np.uint64(PHI))


def _hyphenated(words: Words) -> str:
    """Return a UUID for every two words, one after the other."""
    digits = np.frombuffer(words.astype(">u8").tobytes().hex().encode(), np.uint8).reshape(-1, 32)
    written = np.full((len(words), _UUID), ord("-"), np.uint8)
    written[:, _DIGITS] = digits
    return written.tobytes().decode()


def _keys(source: Codes) -> Words:
    marks = KeyedRandom(0)
    return np.array([marks.key(name, "capture") for name in source.labels], np.uint64)
