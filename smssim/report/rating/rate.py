"""Rating a recorded month: its messages take segments from packages, and are charged the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from smssim.calendars import HOUR, to_us
from smssim.record.from_frames import tally_frames
from smssim.record.record import Record
from smssim.record.schema import (
    EVENTS,
    LEDGER,
    PACKAGE_EVENTS,
    PACKAGES,
    REPORTS,
    frame,
    refusal_stages,
)
from smssim.record.tallies import NAMES, Tallies
from smssim.report.rating.deduct import UNKNOWN, Asked, Course, Told
from smssim.report.rating.tariff import Tariff, read_tariff
from smssim.scenario import Account, Scenario, ScenarioError, micro
from smssim.scenario import Package as Planned
from smssim.scenario.consistency_console import package_countries
from smssim.scenario.errors.messages import problems_of
from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import ScenarioModel
from smssim.sms.packages import CountryQuota, ends_us
from smssim.sms.packages import Package as Bought
from smssim.sms.reference import MAINLAND

if TYPE_CHECKING:
    import pandas as pd


# What rating needs of recorded messages, as arrays in order of submission.

Ints = NDArray[np.int64]
NO_QUOTA, DELIVERED = "E000629", "DELIVRD"
_NAT = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Sent:
    """Messages in order of submission, then of the record; times in microseconds since 1970 UTC.

    *order* holds their rows in the record, None if that is in order. *countries* are those that
    known messages were sent to; *unknown* marks messages sent without country or segments.
    *accrues_us* is when a charge on delivery falls due, else the submission.
    """

    order: NDArray[np.intp] | None
    at_us: Ints
    accrues_us: Ints
    place: NDArray[np.int8]
    segments: Ints
    delivered: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    countries: list[str]
    _rows: dict[str, Ints]
    _out_of_quota: NDArray[np.bool_]

    @property
    def last_us(self) -> int:
        """The last submission."""
        return int(self.at_us[-1]) if len(self.at_us) else _NAT

    def rows(self, country: str, *, refused: bool = False) -> Ints:
        """The messages sent to a country; with *refused* those refused for want of quota, too."""
        rows: Ints = self._rows.get(country, np.empty(0, np.int64))
        wanted = self.place[rows] == 0
        if refused:
            wanted |= self._out_of_quota[rows]
        return rows.compress(wanted & ~self.unknown[rows])

    def back(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the messages in the order of the record."""
        if self.order is None:
            return values
        back = np.empty_like(values)
        back[self.order] = values
        return back


def sent_of(messages: pd.DataFrame, charged_on_delivery: str) -> Sent:
    """The messages of a record; those to one country accrue when they are delivered."""
    at_us = _us(messages["submitted_at"])
    # Only a log whose files overlap has anything to sort.
    order = None if bool((at_us[1:] >= at_us[:-1]).all()) else np.argsort(at_us, kind="stable")

    def ordered(values: NDArray[Any]) -> NDArray[Any]:
        return values if order is None else values.take(order)

    country, names = _codes(messages["country"])
    status, statuses = _codes(messages["status"])
    place = refusal_stages(messages["refused_at"])
    segments = messages["segments"].astype("Int64").fillna(0).to_numpy(np.int64)
    country, status, place = ordered(country), ordered(status), ordered(place)
    segments, at_us = ordered(segments), ordered(at_us)
    final_us: Ints = ordered(_us(messages["final_at"]))
    late = country == (names.index(charged_on_delivery) if charged_on_delivery in names else -2)
    rows = _by_code(country, names)
    unknown = (place == 0) & ((country < 0) | (segments <= 0))
    return Sent(
        order,
        at_us,
        np.where(late & (final_us != _NAT), final_us, at_us),
        place,
        segments.astype(np.int64),
        status == (statuses.index(DELIVERED) if DELIVERED in statuses else -2),
        unknown,
        sorted(name for name, own in rows.items() if ((place[own] == 0) & ~unknown[own]).any()),
        rows,
        (place == 3) & (status == (statuses.index(NO_QUOTA) if NO_QUOTA in statuses else -2)),
    )


def _by_code(codes: NDArray[Any], names: list[str]) -> dict[str, Ints]:
    """The places of each name, in order."""
    places = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes.take(places), np.arange(len(names) + 1))
    return {name: places[ends[i] : ends[i + 1]] for i, name in enumerate(names)}


def _codes(column: pd.Series[Any]) -> tuple[NDArray[Any], list[str]]:
    category = column.astype("category").cat
    return category.codes.to_numpy(), [str(name) for name in category.categories]


def _us(times: pd.Series[Any]) -> Ints:
    naive = times.dt.tz_localize(None) if times.dt.tz is not None else times
    return naive.to_numpy().astype("datetime64[us]").view(np.int64)


# The tallies of a rated month: what holds money is counted again, the rest stays.

MONEY = ("money", "templates", "sources", "clock")
"""Tallies that tell what packages covered and what was charged."""


def recounted(record: Record, messages: pd.DataFrame) -> Tallies:
    """The record's tallies with the money of *messages*."""
    none = frame(REPORTS, ()).astype({"state": "category"})
    counted = tally_frames(
        messages, none, record.observed_from, record.observed_until, _servers(record)
    )
    kept = {name: record.tallies.frame(name) for name in NAMES if name not in MONEY}
    return Tallies(record.observed_until, **kept, **{name: counted.frame(name) for name in MONEY})


def _servers(record: Record) -> list[str]:
    """The sources whose resends are a server's."""
    text = record.provenance.get("scenario")
    sources = [] if text is None else Scenario.parse(text).sources
    return [source.name for source in sources if getattr(source, "server_resend", None)]


# The small tables of a rated month: events of packages, the ledger, the packages.


def booked(
    told: Sequence[Told],
    packages: Sequence[Bought],
    charges: tuple[Ints, Ints],
    until_us: int,
) -> dict[str, pd.DataFrame]:
    """Events, ledger and packages; *charges* are the instants at which amounts accrue, and these.

    As in a simulation, charges are settled with the next full hour, and with the end of the record
    if that comes first.
    """
    told = sorted(told)
    settled = _settled(*charges, until_us)
    entries = [*(_entry(own, packages) for own in told), *settled]
    # Of one instant, what expires and is bought comes before what is settled.
    ledger = sorted((own for own in entries if own is not None), key=lambda own: own[0])
    return {
        "events": frame(EVENTS, [(own.at_us, own.event, own.subject, own.value) for own in told]),
        "ledger": frame(LEDGER, ledger),
        "packages": frame(PACKAGES, [_package(own) for own in packages]),
    }


def _entry(told: Told, packages: Sequence[Bought]) -> tuple[Any, ...] | None:
    """The line of the ledger that goes with an event."""
    if told.event == "package_bought":
        own = packages[int(told.subject)]
        return told.at_us, "purchase", own.country, own.id, own.segments, own.price_micro
    if told.event == "package_expired" and told.value:
        own = packages[int(told.subject)]
        return told.at_us, "expired", own.country, own.id, told.value, None
    return None


def _settled(at_us: Ints, amount_micro: Ints, until_us: int) -> list[tuple[Any, ...]]:
    """What is settled at each full hour, and at the end; instants need no order."""
    charged = amount_micro > 0
    hours, place = np.unique(at_us[charged] // HOUR + 1, return_inverse=True)
    sums = np.zeros(len(hours), np.int64)
    np.add.at(sums, place, amount_micro[charged])
    found = [
        (hour * HOUR, "settlement", None, None, None, amount)
        for hour, amount in zip(hours.tolist(), sums.tolist(), strict=True)
    ]
    late = [own for own in found if own[0] >= until_us]
    rest = sum(own[-1] for own in late)
    last = [(until_us, "unsettled", None, None, None, rest)] if late else []
    return [*found[: len(found) - len(late)], *last]


def _package(own: Bought) -> tuple[Any, ...]:
    return (
        own.id,
        own.country,
        own.segments,
        own.price_micro,
        own.in_force_us,
        own.ends_us,
        own.used,
        own.expired,
        own.left,
    )


# The terms that a recorded month is rated by: service mode, packages and their rules.


class Terms(ScenarioModel):
    """The parts of a scenario that a bill hangs on, with the same rules and the same errors."""

    account: Account = Account()
    """Service mode, order of use, straddling message, zone in which packages end."""
    packages: tuple[Planned, ...] = ()
    """Packages that are bought, each in force from `at`."""

    def violations(self) -> Iterator[Violation]:
        """Packages are for countries that they are sold for."""
        yield from package_countries(self)

    @property
    def suspends(self) -> bool:
        """Whether it is mode 2, which never charges what no package covers."""
        return self.account.service_mode == "suspend"

    def bought(self, start_us: int, until_us: int) -> list[Bought]:
        """The packages bought before *until_us*, numbered by purchase; from *start_us* without a
        date.
        """
        dated = [(start_us if p.at is None else to_us(p.at), p) for p in self.packages]
        dated = sorted((d for d in dated if d[0] < until_us), key=lambda own: own[0])
        zone = self.account.expiry_zone
        return [
            Bought(
                number,
                p.country,
                p.segments,
                micro(p.price),
                at_us,
                ends_us(at_us, zone, valid_days=p.valid_days, valid_months=p.valid_months),
                left=p.segments,
            )
            for number, (at_us, p) in enumerate(dated)
        ]


def terms_of(packages: Sequence[Planned | Mapping[str, Any]], account: dict[str, Any]) -> Terms:
    """Check the terms as a scenario's are; raise a ScenarioError that names all that is wrong."""
    plain = [p.model_dump(exclude_none=True) if isinstance(p, Planned) else p for p in packages]
    data = {"account": account, "packages": plain}
    try:
        return Terms.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(problems_of(error, Terms, data)) from error


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
