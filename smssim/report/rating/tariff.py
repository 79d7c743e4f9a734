"""Tariffs: what a segment to each country costs from when on, read from a file or a frame."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from smssim.arrays import Ints
from smssim.calendars import to_us
from smssim.sms.phone_numbers import masked
from smssim.sms.reference import countries

__all__ = ["Tariff", "read_tariff", "tariff_of"]

_DEAREST = 1_000_000
"""Units of the currency that a segment may cost."""
_VENDOR = "huawei"
_NO_PRICE = ("not international", "example only")
"""What `verified` says of rows of `smssim/sms/data/prices.csv` that price no international SMS."""
_ALWAYS = np.iinfo(np.int64).min
_HEADINGS = {"country": ("iso2", "country"), "price": ("price", "price_per_sms")}


@dataclass(frozen=True)
class Tariff:
    """Prices of a segment by country in millionths of the currency, each from an instant on.

    `prices_micro` holds by country the instants (microseconds since 1970 UTC, ascending) and the
    prices from then on.
    """

    name: str
    currency: str
    prices_micro: Mapping[str, tuple[Ints, Ints]]

    def price_micro(self, country: str, at_us: Ints) -> Ints:
        """The price of a segment at each instant, -1 where there is none yet."""
        if country not in self.prices_micro:
            return np.full(len(at_us), -1, np.int64)
        since, prices = self.prices_micro[country]
        index = np.searchsorted(since, at_us, "right")
        return np.append(-1, prices).take(index)


def read_tariff(tariff: str | Path | pd.DataFrame) -> Tariff:
    """Read prices from a CSV file in UTF-8 or a frame.

    Columns: `country` (ISO code or English name) or `iso2`; `price` a segment, or `price_per_sms`;
    `currency`; and, if prices change, `valid_from`, a UTC date or time. Where a column `vendor`
    says whose price it is, only Huawei's count. A row without a price gives none. Raise a
    ValueError that names file and row for an unknown country, a price that is negative, no number
    or finer than a millionth, two currencies, or two prices of one country and date.
    """
    if not isinstance(tariff, str | Path | pd.DataFrame):
        raise TypeError(
            "a tariff is a CSV file, a DataFrame with country, price and currency, or prices by "
            f'country such as {{"ID": 0.032}}: not {type(tariff).__name__}'
        )
    name = tariff.name if isinstance(tariff, Path) else "the tariff"
    name = str(tariff) if isinstance(tariff, str | Path) else name
    rows = _of_file(Path(tariff)) if isinstance(tariff, str | Path) else _of_frame(tariff)
    return _tariff(name, rows)


def tariff_of(prices: Mapping[str, Any], currency: str) -> Tariff:
    """The tariff of prices by country. Raise a ValueError for one that `read_tariff` refuses."""
    rows = [{"country": c, "price": price, "currency": currency} for c, price in prices.items()]
    return read_tariff(pd.DataFrame(rows, columns=["country", "price", "currency"], dtype=object))


def _of_file(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row of a CSV file with its line, the heading's first."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            heading = [cell.strip().lower() for cell in next(reader, [])]
            yield 1, dict.fromkeys(heading)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    if len(cells) > len(heading):
                        raise _wrong(str(path), reader.line_num, "has more cells than the heading")
                    yield reader.line_num, dict(zip(heading, cells, strict=False))
    except UnicodeDecodeError:
        raise ValueError(f"{path}: a tariff must be text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"{path}: a tariff must be a CSV file ({error})") from None


def _of_frame(frame: pd.DataFrame) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row of a frame with its number from 1, its columns first."""
    names = [str(name).strip().lower() for name in frame.columns]
    yield 0, dict.fromkeys(names)
    missing = frame.isna().to_numpy()
    columns = [frame.iloc[:, position].tolist() for position in range(len(names))]
    for number in range(len(frame)):
        values = [
            "" if missing[number, position] else column[number]
            for position, column in enumerate(columns)
        ]
        yield number + 1, dict(zip(names, values, strict=True))


def _tariff(name: str, rows: Iterator[tuple[int, dict[str, Any]]]) -> Tariff:
    heading = list(next(rows)[1])
    columns = _columns(name, heading)
    dated_prices: dict[str, dict[int, tuple[int, int]]] = {}
    currency: tuple[str, int] | None = None
    for number, row in rows:
        vendor = _text(row.get("vendor", _VENDOR)).lower()
        if not _text(row.get(columns["price"])) or vendor != _VENDOR:
            continue
        if any(words in _text(row.get("verified")) for words in _NO_PRICE):
            continue
        country = _country(name, number, _text(row.get(columns["country"])))
        price_micro = _price(name, number, row[columns["price"]])
        row_currency = _currency(name, number, _text(row.get("currency")))
        if currency is not None and currency[0] != row_currency:
            message = (
                f"currency(={row_currency!r}) must be that of row {currency[1]}, {currency[0]}"
            )
            raise _wrong(name, number, message)
        currency = currency or (row_currency, number)
        since = _since(name, number, row.get("valid_from", ""))
        dated = dated_prices.setdefault(country, {})
        if since in dated:
            when = "from the same time on" if "valid_from" in row else "without valid_from"
            message = f"{country} has a price {when} in row {dated[since][1]} already"
            raise _wrong(name, number, message)
        dated[since] = price_micro, number
    if currency is None:
        raise ValueError(f"{name}: a tariff must hold a price, and none of its rows does")
    return Tariff(
        name,
        currency[0],
        {country: _dated(row_currency) for country, row_currency in dated_prices.items()},
    )


def _columns(name: str, heading: list[str]) -> dict[str, str]:
    """Which column holds which field."""
    columns = {"currency": "currency"}
    for field, headings in _HEADINGS.items():
        matches = [one for one in headings if one in heading]
        if field == "price" and len(matches) > 1:
            raise ValueError(f"{name}: columns {' and '.join(matches)} both hold prices")
        if matches:
            columns[field] = matches[0]
    missing = [f for f in ("country", "price", "currency") if columns.get(f) not in heading]
    if missing:
        message = f"a tariff must have the columns {', '.join(missing)}"
        # Of another table given by mistake, which may have no heading.
        present = masked(", ".join(heading)) or "none"
        raise ValueError(f"{name}: {message}; it has {present}")
    return columns


def _dated(prices: dict[int, tuple[int, int]]) -> tuple[Ints, Ints]:
    since = sorted(prices)
    return np.array(since, np.int64), np.array([prices[us][0] for us in since], np.int64)


def _country(name: str, number: int, value: str) -> str:
    if value.upper() in countries():
        return value.upper()
    named = [code for code, country in countries().items() if country.name.lower() == value.lower()]
    if not named:
        raise _wrong(name, number, f"country(={value!r}) must be an ISO 3166 code such as ID")
    return named[0]


def _price(name: str, number: int, value: Any) -> int:
    """A price in millionths, exact: of a float the shortest decimals that give it."""
    text = _text(value)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool | np.bool_) or not amount.is_finite():
        raise _wrong(name, number, f"price(={text!r}) must be a number such as 0.035")
    if not 0 <= amount <= _DEAREST:
        raise _wrong(name, number, f"price(={text}) must be >= 0 and <= {_DEAREST:,}")
    micro = amount.scaleb(6)
    if micro != micro.to_integral_value():
        raise _wrong(name, number, f"price(={text}) must have at most 6 decimals")
    return int(micro)


def _currency(name: str, number: int, value: str) -> str:
    if not re.fullmatch("[A-Z]{3}", value):
        message = f"currency(={value!r}) must be three capital letters, such as USD"
        raise _wrong(name, number, message)
    return value


def _since(name: str, number: int, value: Any) -> int:
    """The first instant of a price in microseconds; the smallest int64 without one."""
    if isinstance(value, date):
        return to_us(value)
    text = _text(value)
    if not text:
        return int(_ALWAYS)
    try:
        return to_us(datetime.fromisoformat(text))
    except ValueError:
        message = f"valid_from(={text!r}) must be a UTC date or time such as 2026-12-01"
        raise _wrong(name, number, message) from None


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _wrong(name: str, number: int, message: str) -> ValueError:
    return ValueError(f"{name}: row {number}: {message}")
