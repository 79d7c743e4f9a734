"""The service's codes and the countries: reference tables that ship with the package.

Tables of codes are those of Huawei's pages as far as they could be read (DOMAIN.md sections 6
and 7); each row says where it comes from and how far it is verified.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

__all__ = [
    "MAINLAND",
    "Country",
    "Source",
    "advice",
    "api_errors",
    "countries",
    "country_label",
    "describe",
    "reference",
    "status_codes",
    "status_meaning",
]

Source = Literal["supplier", "huawei", "either"]

MAINLAND = "CN"
"""Mainland China, whose messages are counted, cut and billed by rules of their own."""

_TABLES = (
    "advice",
    "api_errors",
    "countries",
    "literature",
    "prices",
    "sending_rules",
    "status_codes",
)


@dataclass(frozen=True)
class _StatusCode:
    """A code of a delivery report, its source and whether an international message is charged.

    None in `final` or `charged` is not known, or, for source "either", to be read from the
    report's own source: supplier is charged, Huawei is not (DOMAIN.md section 2).
    """

    code: str
    source: Source
    description: str
    cause: str
    final: bool | None
    charged: bool | None
    scope: str
    verified: str


@dataclass(frozen=True)
class _ApiError:
    """A code of the API's answer: of the request (`code`) or of one number (`status`).

    `http_status` is None where it is not known or does not apply (DOMAIN.md section 6).
    """

    code: str
    level: str
    http_status: int | None
    description: str
    hint: str
    verified: str


@dataclass(frozen=True)
class Country:
    """A country or territory: ISO 3166 code, English name, IANA zone of its capital."""

    iso2: str
    name: str
    zone: str


@cache
def reference(table: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of a reference table, verbatim from its CSV file.

    Raise a ValueError for a table that the package does not hold.
    """
    if table not in _TABLES:
        raise ValueError(f"table(={table!r}) must be one of {', '.join(_TABLES)}")
    file = resources.files("smssim.sms") / "data" / f"{table}.csv"
    lines = io.StringIO(file.read_text(encoding="utf-8"))
    return tuple(MappingProxyType(row) for row in csv.DictReader(lines))


@cache
def status_codes() -> Mapping[str, _StatusCode]:
    """Return the codes of delivery reports by code (`reference/status_codes.csv`)."""
    return MappingProxyType({row["code"]: _status_code(row) for row in reference("status_codes")})


@cache
def api_errors() -> Mapping[str, _ApiError]:
    """Return the codes of the API's answers by code (`reference/api_errors.csv`)."""
    return MappingProxyType({row["code"]: _api_error(row) for row in reference("api_errors")})


@cache
def countries() -> Mapping[str, Country]:
    """Return the countries by ISO code, and XK, AC and TA, which have calling codes too.

    Zones are tzdata's, the capital's where a country has several (`reference/countries.csv`).
    """
    rows = reference("countries")
    return MappingProxyType(
        {row["iso2"]: Country(row["iso2"], row["name"], row["zone"]) for row in rows}
    )


@cache
def advice() -> Mapping[str, str]:
    """Return what to do about a code that stops or fails an international message, by code.

    The advice is smssim's own and not Huawei's, written from the causes that its pages give
    (DOMAIN.md sections 1 and 3 to 7; `reference/advice.csv`).
    """
    return MappingProxyType({row["code"]: row["advice"] for row in reference("advice")})


def country_label(code: str) -> str:
    """The name of a country with its ISO code, or the code alone where it is not known.

    >>> country_label("ID"), country_label("unknown")
    ('Indonesia (ID)', 'unknown')
    """
    country = countries().get(code)
    return code if country is None else f"{country.name} ({code})"


def status_meaning(code: str) -> str:
    """What a status or an API error means, in the words of its table; "" for one in neither."""
    row = status_codes().get(code) or api_errors().get(code)
    return row.description if row is not None else ""


def describe(code: str) -> str:
    """Return what *code* means, one line for each table that holds it.

    Raise a ValueError for a code that is in neither table.
    """
    lines = []
    if code in status_codes():
        lines.append(_status_line(status_codes()[code]))
    if code in api_errors():
        lines.append(_api_line(api_errors()[code]))
    if not lines:
        raise ValueError(f"code(={code!r}) must be a known status code or API error")
    return "\n".join(lines)


def _status_code(row: Mapping[str, str]) -> _StatusCode:
    return _StatusCode(
        code=row["code"],
        source=_source(row["source"]),
        description=row["description"],
        cause=row["possible_cause"],
        final=_yes_or_no(row["final"]),
        charged=_yes_or_no(row["charged_intl"]),
        scope=row["scope"],
        verified=row["verified"],
    )


def _api_error(row: Mapping[str, str]) -> _ApiError:
    http_status = row["http_status"][:3]
    return _ApiError(
        code=row["code"],
        level=row["level"],
        http_status=int(http_status) if http_status.isdigit() else None,
        description=row["description"],
        hint=row["hint"],
        verified=row["verified"],
    )


def _source(text: str) -> Source:
    # EXPIRED may be built by the SMS platform (source 1), which is not the Huawei platform (3).
    if text.startswith("supplier"):
        return "supplier"
    return "either" if "supplier" in text else "huawei"


def _yes_or_no(text: str) -> bool | None:
    return {"yes": True, "no": False}.get(text.partition("(")[0])


def _status_line(status: _StatusCode) -> str:
    charged = {True: "charged", False: "not charged", None: "charge depends or is not known"}
    source = {"supplier": "supplier", "huawei": "Huawei platform", "either": "either source"}
    cause = "" if status.cause in ("-", "not given") else f"; {status.cause}"
    return (
        f"{status.code}: {status.description}{cause} "
        f"(delivery report, {source[status.source]}, {charged[status.charged]})"
    )


def _api_line(error: _ApiError) -> str:
    hint = f"; {error.hint}" if error.hint else ""
    http = "" if error.http_status is None else f", HTTP {error.http_status}"
    return f"{error.code}: {error.description}{hint} (API {error.level}{http})"
