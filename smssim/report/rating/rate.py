"""Rating a recorded month: its messages take segments from packages, and are charged the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from smssim.arrays import Ints
from smssim.calendars import HOUR
from smssim.record.from_frames import tally_frames
from smssim.record.record import Record
from smssim.record.schema import (
    EVENTS,
    LEDGER,
    PACKAGE_EVENTS,
    PACKAGES,
    REPORTS,
    frame,
)
from smssim.record.tallies import NAMES, Tallies
from smssim.report.rating.deduct import (
    UNKNOWN,
    PackageDeduction,
    PackageEvent,
    QuotaRequests,
    SentMessages,
    sent_messages,
)
from smssim.report.rating.tariff import Tariff, read_tariff, tariff_of
from smssim.report.rating.terms import RULES, Terms, check_terms
from smssim.scenario import Package as Planned
from smssim.scenario import Scenario
from smssim.sms.packages import CountryQuota
from smssim.sms.packages import Package as Bought
from smssim.sms.reference import MAINLAND

__all__ = ["rate"]

_R = TypeVar("_R", bound=Record)
_LARGEST = np.iinfo(np.int32).max
_UNCOUNTABLE = 2**63 - 2**20
"""Millionths of the currency that cannot be summed; less by what a float may be off."""
_MONEY = ("money", "templates", "sources", "clock")
"""Tallies with what packages covered and what was charged."""


def rate(
    record: _R,
    tariff: str | Path | pd.DataFrame | Mapping[str, float] | Tariff,
    packages: Sequence[Planned | Mapping[str, Any]] = (),
    mode: str = "pay_per_use",
    *,
    straddle: str = "by_mode",
    package_order: str = "first_in_force",
    expiry_zone: str = "Asia/Shanghai",
    package_countries: Sequence[str] = ("ID", "TH", "IN", "PH"),
) -> _R:
    """Return a copy of a recorded month with its money: what packages covered, what was charged.

    The messages that were sent take segments in order of submission, by the rules of the simulated
    account (docs/model.md, Packages and charge; DOMAIN.md section 2). *packages* are a
    scenario's, or mappings of their fields; `at` is when one comes in force (without it, when the
    record begins), and `segments` what it then holds, or what is left of it when the record begins.
    *mode* and the rest are the fields of a scenario's account. A *tariff* of prices by country, as
    in `{"ID": 0.032}`, is in the record's currency, else in USD, as a scenario is. Messages to
    mainland China are charged when they are delivered.

    `messages` get `covered_segments`, `package` and `cost_micro`, and there are `ledger`,
    `packages`, `currency` and the `events` of packages. What cannot be rated has NA and is the
    bill's entry `unknown`: messages without country or segments, and in mode "suspend" those that
    the packages could not have sent, for that mode charges nothing else.

    Raise a ValueError without messages, for a tariff that cannot be read, for countries that
    messages are charged to and that have no price, and for a bill that cannot be counted exactly;
    a ScenarioError for wrong terms.
    """
    if not isinstance(record, Record):
        raise TypeError(
            "rate takes a record, as read_log(path) or simulate(scenario) gives: not "
            f"{type(record).__name__}"
        )
    terms = check_terms(
        packages,
        {
            "service_mode": mode,
            "straddle": straddle,
            "package_order": package_order,
            "expiry_zone": expiry_zone,
            "package_countries": package_countries,
        },
    )
    if isinstance(tariff, Mapping):
        tariff = tariff_of(tariff, record.currency or Scenario.model_fields["currency"].default)
    prices = tariff if isinstance(tariff, Tariff) else read_tariff(tariff)
    if record.messages is None:
        raise ValueError(f"rating needs the messages of {record.name!r}: read it with rows")
    sent = sent_messages(record.messages, MAINLAND)
    # A log ends with its last message, which the end of a simulation excludes.
    until_us = max(record.observed_until, sent.last_us + 1)
    bought = terms.bought(record.observed_from, until_us)
    result, events = _Result(sent), []
    for country in sorted({*sent.countries, *(package.country for package in bought)}):
        of_country = [package for package in bought if package.country == country]
        events += result.take(country, terms, of_country, until_us)
    result.charge(prices)
    _check_countable(result.cost_micro, bought)
    tables = _small_tables(
        events, bought, (sent.accrues_us, result.cost_micro), record.observed_until
    )
    messages = result.messages(record.messages, len(bought))
    return replace(
        record,
        currency=prices.currency,
        messages=messages,
        ledger=tables["ledger"],
        packages=tables["packages"],
        events=_merged(record, tables["events"]),
        tallies=_recount(record, messages),
        provenance={**record.provenance, "rating": _about(record, prices, terms)},
    )


def _check_countable(cost_micro: Ints, packages: list[Bought]) -> None:
    """Raise a ValueError for a bill whose sum in millionths is beyond 64 bits: it would wrap."""
    total = float(cost_micro.sum(dtype=np.float64)) + sum(p.price_micro for p in packages)
    if total >= _UNCOUNTABLE:
        limit = f"{_UNCOUNTABLE / 1e6:,.0f}"
        raise ValueError(f"bill(={total / 1e6:,.0f}) must be below {limit} units of the currency")


def _about(record: Record, tariff: Tariff, terms: Terms) -> dict[str, Any]:
    """What it takes to rate the record again, whether it is a log, and what an uncovered segment
    costs at its end in the countries that have packages.
    """
    until = np.array([record.observed_until])
    prices = {
        country: int(tariff.price_micro(country, until)[0]) / 1e6
        for country in sorted({package.country for package in terms.packages})
    }
    before = record.provenance.get("rating", {})
    return {
        "of": before.get("of", "log" if record.ledger is None else "simulation"),
        "tariff": tariff.name,
        "packages": [p.model_dump(mode="json", exclude_none=True) for p in terms.packages],
        "segment_prices": {country: price for country, price in prices.items() if price >= 0},
        **terms.account.model_dump(mode="json", include=set(RULES)),
    }


def _merged(record: Record, rated: pd.DataFrame) -> pd.DataFrame:
    """The events of packages among the other events of a simulation; a log has no others."""
    others = record.events
    if others is None or not len(others):
        return rated
    both = pd.concat([others[~others["event"].isin(PACKAGE_EVENTS)], rated], ignore_index=True)
    return both.sort_values("at", kind="stable", ignore_index=True)


class _Result:
    """What every row took and costs, in the order of the record."""

    def __init__(self, sent: SentMessages) -> None:
        n = len(sent.stage)
        self._sent = sent
        self._covered, self._package = np.zeros(n, np.int64), np.full(n, -1, np.int64)
        self._charged, self.cost_micro = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._covered[sent.unknown] = UNKNOWN

    def take(
        self, country: str, terms: Terms, packages: list[Bought], until_us: int
    ) -> list[PackageEvent]:
        """Let a country's messages take from its packages."""
        sent, rules = self._sent, terms.account
        if country == MAINLAND and not terms.suspends:
            rows = sent.rows(country)
            self._charged[rows] = np.where(sent.delivered[rows], sent.segments[rows], 0)
            return []
        rows = sent.rows(country, refused=terms.suspends)
        requests = QuotaRequests(rows, sent.at_us[rows], sent.segments[rows], sent.stage[rows] == 0)
        quota = CountryQuota(country, rules.package_order, None)
        deduction = PackageDeduction(
            quota, requests, suspends=terms.suspends, covers=rules.straddle == "cover"
        )
        deduction.run(packages, until_us)
        self._covered[rows], self._package[rows] = deduction.covered, deduction.package
        self._charged[rows] = deduction.charged
        return deduction.events

    def charge(self, tariff: Tariff) -> None:
        """Price what was charged. Raise a ValueError that names the countries without a price."""
        missing = []
        for country in self._sent.countries:
            rows = self._sent.rows(country)
            rows = rows[self._charged[rows] > 0]
            price_micro = tariff.price_micro(country, self._sent.at_us[rows])
            without = int((price_micro < 0).sum())
            if without:
                early = " before its first price" if country in tariff.prices_micro else ""
                missing.append(f"{country} ({without:,} messages{early})")
            self.cost_micro[rows] = self._charged[rows] * price_micro
        if missing:
            raise ValueError(f"{tariff.name} has no price for {', '.join(missing)}")

    def messages(self, frame: pd.DataFrame, packages: int) -> pd.DataFrame:
        """The frame with its columns of money; NA where they are unknown."""
        back, large = self._sent.back, int(self.cost_micro.max(initial=0)) > _LARGEST
        unknown = back(self._covered == UNKNOWN)
        columns: dict[str, Any] = {
            "covered_segments": back(self._covered).astype(np.int8),
            "cost_micro": back(self.cost_micro).astype(np.int64 if large else np.int32),
        }
        if unknown.any():
            columns = {name: pd.arrays.IntegerArray(v, unknown) for name, v in columns.items()}
        codes, ids = back(self._package), pd.Index(list(range(packages)))
        columns["package"] = pd.Categorical.from_codes(codes, ids)
        return frame.assign(**columns)


# What the rated record is made of: its small tables, and its tallies with the money anew.


def _small_tables(
    events: Sequence[PackageEvent],
    packages: Sequence[Bought],
    charges: tuple[Ints, Ints],
    until_us: int,
) -> dict[str, pd.DataFrame]:
    """Events, ledger and packages; *charges* are the instants at which amounts accrue, and these.

    As in a simulation, charges are settled with the next full hour, and with the end of the record
    if that comes first.
    """
    events = sorted(events)
    settled = _settled(*charges, until_us)
    entries = [*(_entry(row, packages) for row in events), *settled]
    # At one instant, what expires and is bought comes before what is settled.
    ledger = sorted((row for row in entries if row is not None), key=lambda row: row[0])
    return {
        "events": frame(EVENTS, [(row.at_us, row.event, row.subject, row.value) for row in events]),
        "ledger": frame(LEDGER, ledger),
        "packages": frame(PACKAGES, [_package(row) for row in packages]),
    }


def _entry(event: PackageEvent, packages: Sequence[Bought]) -> tuple[Any, ...] | None:
    """The line of the ledger that goes with an event."""
    if event.event == "package_bought":
        package = packages[int(event.subject)]
        return (
            event.at_us,
            "purchase",
            package.country,
            package.id,
            package.segments,
            package.price_micro,
        )
    if event.event == "package_expired" and event.value:
        package = packages[int(event.subject)]
        return event.at_us, "expired", package.country, package.id, event.value, None
    return None


def _settled(at_us: Ints, amount_micro: Ints, until_us: int) -> list[tuple[Any, ...]]:
    """What is settled at each full hour, and at the end; instants need no order."""
    charged = amount_micro > 0
    hours, hour_numbers = np.unique(at_us[charged] // HOUR + 1, return_inverse=True)
    sums = np.zeros(len(hours), np.int64)
    np.add.at(sums, hour_numbers, amount_micro[charged])
    entries = [
        (hour * HOUR, "settlement", None, None, None, amount)
        for hour, amount in zip(hours.tolist(), sums.tolist(), strict=True)
    ]
    late = [entry for entry in entries if entry[0] >= until_us]
    rest = sum(entry[-1] for entry in late)
    last = [(until_us, "unsettled", None, None, None, rest)] if late else []
    return [*entries[: len(entries) - len(late)], *last]


def _package(package: Bought) -> tuple[Any, ...]:
    return (
        package.id,
        package.country,
        package.segments,
        package.price_micro,
        package.in_force_us,
        package.ends_us,
        package.used,
        package.expired,
        package.left,
    )


def _recount(record: Record, messages: pd.DataFrame) -> Tallies:
    """The record's tallies with the money of *messages*."""
    none = frame(REPORTS, ()).astype({"state": "category"})
    counted = tally_frames(
        messages,
        none,
        record.observed_from,
        record.observed_until,
        _servers(record),
        requests=False,
    )
    unchanged = {name: record.tallies.frame(name) for name in NAMES if name not in _MONEY}
    return Tallies(
        record.observed_until, **unchanged, **{name: counted.frame(name) for name in _MONEY}
    )


def _servers(record: Record) -> list[str]:
    """The sources whose resends are a server's."""
    text = record.provenance.get("scenario")
    sources = [] if text is None else Scenario.parse(text).sources
    return [source.name for source in sources if getattr(source, "server_resend", None)]
