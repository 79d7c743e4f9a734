"""Rating a recorded month: its messages take segments from packages, and are charged the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from smssim.record.record import Record
from smssim.record.schema import PACKAGE_EVENTS
from smssim.report.rating.booked import booked
from smssim.report.rating.deduct import UNKNOWN, Asked, Course, Told
from smssim.report.rating.recount import recounted
from smssim.report.rating.sent import Sent, sent_of
from smssim.report.rating.tariff import Tariff, read_tariff
from smssim.report.rating.terms import Terms, terms_of
from smssim.scenario import Package as Planned
from smssim.sms.packages import CountryQuota
from smssim.sms.packages import Package as Bought
from smssim.sms.reference import MAINLAND

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
R = TypeVar("R", bound=Record)
_LARGEST = np.iinfo(np.int32).max


def rate(
    record: R,
    tariff: str | Path | pd.DataFrame | Tariff,
    packages: Sequence[Planned | Mapping[str, Any]] = (),
    mode: str = "pay_per_use",
    *,
    straddle: str = "by_mode",
    package_order: str = "first_in_force",
    expiry_zone: str = "Asia/Shanghai",
    package_countries: Sequence[str] = ("ID", "TH", "IN", "PH"),
) -> R:
    """Return a copy of a recorded month with its money: what packages covered, what was charged.

    The messages that were sent (place 0) take segments in order of submission, by the rules of the
    simulated account (docs/model.md, Packages and charge; DOMAIN.md section 2). *packages* are a
    scenario's, or mappings of their fields; `at` is when one comes in force (without it, when the
    record begins), and `segments` what it then holds, or what is left of it when the record begins.
    *mode* and the rest are the fields of a scenario's account. Messages to mainland China are
    charged when they are delivered.

    `messages` get `covered_segments`, `package` and `cost_micro`, and there are `ledger`,
    `packages`, `currency` and the `events` of packages. What cannot be rated has NA and is the
    bill's entry `unknown`: messages without country or segments, and in mode "suspend" those that
    the packages could not have sent, for that mode charges nothing else.

    Raise a ValueError without messages, for a tariff that cannot be read, and for countries that
    messages are charged to and that have no price; a ScenarioError for wrong terms.
    """
    terms = terms_of(
        packages,
        {
            "service_mode": mode,
            "straddle": straddle,
            "package_order": package_order,
            "expiry_zone": expiry_zone,
            "package_countries": package_countries,
        },
    )
    prices = tariff if isinstance(tariff, Tariff) else read_tariff(tariff)
    if record.messages is None:
        raise ValueError(f"rating needs the messages of {record.name!r}: read it with rows")
    sent = sent_of(record.messages, MAINLAND)
    # A log ends with its last message, which the end of a simulation excludes.
    until_us = max(record.observed_until, sent.last_us + 1)
    bought = terms.bought(record.observed_from, until_us)
    result, told = _Result(sent), []
    for country in sorted({*sent.countries, *(package.country for package in bought)}):
        own = [package for package in bought if package.country == country]
        told += result.take(country, terms, own, until_us)
    result.charge(prices)
    tables = booked(told, bought, (sent.accrues_us, result.cost_micro), record.observed_until)
    messages = result.messages(record.messages, len(bought))
    return replace(
        record,
        currency=prices.currency,
        messages=messages,
        ledger=tables["ledger"],
        packages=tables["packages"],
        events=_merged(record, tables["events"]),
        tallies=recounted(record, messages),
        provenance={**record.provenance, "rating": _about(record, prices, terms)},
    )


def _about(record: Record, tariff: Tariff, terms: Terms) -> dict[str, Any]:
    """What it takes to rate the record again, and whether it is a log."""
    before = record.provenance.get("rating", {})
    rules = ("service_mode", "straddle", "package_order", "expiry_zone", "package_countries")
    return {
        "of": before.get("of", "log" if record.ledger is None else "simulation"),
        "tariff": tariff.name,
        "packages": [p.model_dump(mode="json", exclude_none=True) for p in terms.packages],
        **terms.account.model_dump(mode="json", include=set(rules)),
    }


def _merged(record: Record, told: pd.DataFrame) -> pd.DataFrame:
    """The events of packages among the other events of a simulation; a log has no others."""
    import pandas as pd

    others = record.events
    if others is None or not len(others):
        return told
    both = pd.concat([others[~others["event"].isin(PACKAGE_EVENTS)], told], ignore_index=True)
    return both.sort_values("at", kind="stable", ignore_index=True)


class _Result:
    """What every row took and costs, in the order of the record."""

    def __init__(self, sent: Sent) -> None:
        n = len(sent.place)
        self._sent = sent
        self._covered, self._package = np.zeros(n, np.int64), np.full(n, -1, np.int64)
        self._charged, self.cost_micro = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._covered[sent.unknown] = UNKNOWN

    def take(self, country: str, terms: Terms, packages: list[Bought], until_us: int) -> list[Told]:
        """Let a country's messages take from its packages."""
        sent, rules = self._sent, terms.account
        if country == MAINLAND and not terms.suspends:
            rows = sent.rows(country)
            self._charged[rows] = np.where(sent.delivered[rows], sent.segments[rows], 0)
            return []
        rows = sent.rows(country, refused=terms.suspends)
        asked = Asked(rows, sent.at_us[rows], sent.segments[rows], sent.place[rows] == 0)
        quota = CountryQuota(country, rules.package_order, None)
        course = Course(quota, asked, suspends=terms.suspends, covers=rules.straddle == "cover")
        course.run(packages, until_us)
        self._covered[rows], self._package[rows] = course.covered, course.package
        self._charged[rows] = course.charged
        return course.told

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
        import pandas as pd

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
