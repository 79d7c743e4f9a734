"""Building blocks of a scenario: the frozen model with its rules, and plain types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from numbers import Integral, Real
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic import WithJsonSchema as Schema

from smssim.scenario.errors.problems import KEY, Violation, ViolationsError, as_written, hint
from smssim.sms import reference
from smssim.sms.country_names import country_named

__all__ = [
    "COUNTRY",
    "CURRENCY",
    "EXTEND",
    "MONTH",
    "NAME",
    "ORG_CODE",
    "STATUS",
    "Count",
    "Country",
    "Extend",
    "Flag",
    "Float",
    "Instant",
    "Int",
    "Length",
    "Money",
    "Name",
    "ScenarioModel",
    "Segments",
    "Share",
    "SignedMoney",
    "Weight",
    "Zone",
    "country_code",
    "integer_key",
    "micro",
    "number_or_mix",
]

_INSTANT = (
    r"^\d{4}-\d{1,2}-\d{1,2}"
    r"([Tt ]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|z|[+-]\d{2}(:?\d{2})?))?)?$"
)
COUNTRY = r"^[A-Z]{2}$"
CURRENCY = r"^[A-Z]{3}$"
MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.\- ]{0,63}$"
STATUS = r"^[A-Za-z0-9:]{1,7}$"
EXTEND = r"^[^{}]{1,128}$"
ORG_CODE = r"^[!-~]+$"
_LONGEST_NAME = 60
_NAME_OF_COUNTRY = r"^([A-Z]{2}|.*[^A-Z].*|.{3,})$"
_FIRST_YEAR, _LAST_YEAR = 2000, 2199


class ScenarioModel(BaseModel):
    """A model of a part of a scenario: frozen, and closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    def violations(self) -> Iterator[Violation]:
        """Broken rules between the fields of this model."""
        yield from ()

    @model_validator(mode="before")
    @classmethod
    def _each_country_once(cls, data: Any) -> Any:
        if isinstance(data, dict):
            violations = list(_doubled_countries(data))
            if violations:
                raise ViolationsError(violations)
        return data

    @model_validator(mode="after")
    def _obeys(self) -> Self:
        violations = list(self.violations())
        if violations:
            raise ViolationsError(violations)
        return self


def _doubled_countries(data: dict[Any, Any]) -> Iterator[Violation]:
    """Countries that a mapping has twice, by code and by name: the last would win silently."""
    for field, mapping in data.items():
        if not isinstance(mapping, dict) or all(len(str(key)) == len("ID") for key in mapping):
            continue
        first: dict[object, object] = {}
        for key in mapping:
            code = country_code(key)
            if code in first and code in reference.countries():
                message = f"{key!r} is {code}, which stands there already as {first[code]!r}"
                yield (field, str(key), KEY), message
            first.setdefault(code, key)


def _instant(value: object) -> object:
    original = value
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        example = "a date or an ISO 8601 time such as 2026-12-01T09:00:00+08:00"
        raise ValueError(f"{as_written(original)} must be {example}")
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        years = f"from {_FIRST_YEAR} to {_LAST_YEAR}"
        raise ValueError(f"{as_written(original)} must be in the years {years}")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _zone(value: str) -> str:
    if value not in _zones():
        message = f"{value!r} must be an IANA time zone such as Asia/Jakarta"
        raise ValueError(message + hint(value, _zones()))
    ZoneInfo(value)
    return value


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _country(value: str) -> str:
    if value not in reference.countries():
        meant = " (the United Kingdom is GB)" if value == "UK" else ""
        raise ValueError(f"{value!r} is not a country: no such ISO 3166 code{meant}")
    return value


def _code_of_name(value: object) -> object:
    """The code of a country that is called by its name; whatever else it is, as it is."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return value
    if (value.isascii() and len(value) <= len("ID")) or not any(map(str.isalpha, value)):
        return value
    code = country_named(value)
    if code is None and (near := hint(value, (c.name for c in reference.countries().values()))):
        raise ValueError(f"{value!r} is not a country{near}")
    return code or value


def country_code(key: object) -> object:
    """The code that a key of a mapping by country means; the key itself where it means none."""
    try:
        return _code_of_name(key)
    except ValueError:
        return key


def _whole(value: object) -> object:
    """Whole numbers as they are, 1e6 too; neither true nor "5", which are typing errors."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, Real) and not isinstance(value, bool) and float(value).is_integer():
        return int(float(value))
    raise ValueError(f"{as_written(value)} must be a whole number{_quoted(value)}")


def _number(value: object) -> object:
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{as_written(value)} is larger than any number here may be") from None
    raise ValueError(f"{as_written(value)} must be a number{_quoted(value)}")


def _quoted(value: object) -> str:
    if not isinstance(value, str):
        return ""
    try:
        float(value.replace(",", ""))
    except ValueError:
        return ""
    return ", without quotes" if "," not in value else ", such as 50_000, without commas or quotes"


def integer_key(value: object) -> object:
    # Keys of JSON are always in quotes.
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{value!r} must be printable characters")
    return value


def _micro(amount: float) -> float:
    if abs(amount * 1e6 - round(amount * 1e6)) > 1e-3:
        raise ValueError(f"{amount} must have at most 6 decimals")
    return amount


Instant = Annotated[
    datetime, BeforeValidator(_instant), Schema({"type": "string", "pattern": _INSTANT})
]
"""A moment; without an offset it is UTC."""

Int = Annotated[int, BeforeValidator(_whole)]
Float = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[Int, Field(ge=1, le=10**12)]
_CountKey = Annotated[Count, BeforeValidator(integer_key)]
Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[
    str,
    Field(pattern=COUNTRY),
    AfterValidator(_country),
    BeforeValidator(_code_of_name),
    Schema({"type": "string", "pattern": _NAME_OF_COUNTRY}),
]
"""A country: its code of two letters, or its English or Chinese name."""
Name = Annotated[str, Field(pattern=NAME)]
Extend = Annotated[str, Field(pattern=EXTEND), AfterValidator(_printable)]
"""The customer's own text of a request, given back by its reports (DOMAIN.md section 6)."""
Money = Annotated[Float, Field(ge=0, le=1e12), AfterValidator(_micro)]
SignedMoney = Annotated[Float, Field(ge=-1e12, le=1e12), AfterValidator(_micro)]
Share = Annotated[Float, Field(ge=0, le=1)]
Weight = Annotated[Float, Field(ge=0, le=1e9)]


def micro(amount: float) -> int:
    """An amount of money in micro-units of its currency."""
    return round(amount * 1e6)


def number_or_mix(value: Any) -> str:
    """Which of the two a value is: one number for all, or a mix of shares by number."""
    return "mix" if isinstance(value, dict) else "number"


Segments = Annotated[
    Annotated[Count, Tag("number")] | Annotated[dict[_CountKey, Share], Tag("mix")],
    Discriminator(number_or_mix),
]

_Size = Annotated[Int, Field(ge=0, le=500)]
_SizeKey = Annotated[_Size, BeforeValidator(integer_key)]
Length = Annotated[
    Annotated[_Size, Tag("number")] | Annotated[dict[_SizeKey, Share], Tag("mix")],
    Discriminator(number_or_mix),
]
