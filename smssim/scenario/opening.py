"""The state in which a run begins: counters, quota left, queues, money, what is in flight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from smssim.scenario.errors.partial import readable
from smssim.scenario.errors.problems import Violation, as_written
from smssim.scenario.fields import (
    Country,
    Flag,
    Float,
    Instant,
    Int,
    Money,
    Name,
    ScenarioModel,
    SignedMoney,
    number_or_mix,
)
from smssim.scenario.network import Status

__all__ = [
    "BatchesSoFar",
    "CountryState",
    "InFlight",
    "Opening",
    "UndeliveredCharge",
    "opening_violations",
]

_Counted = Annotated[Int, Field(ge=0, le=10**12)]
_Number = Annotated[Int, Field(ge=0)]
_Wait = Annotated[Float, Field(ge=0, le=9e9)]
_Waits = Annotated[
    Annotated[_Wait, Tag("number")] | Annotated[dict[str, _Wait], Tag("mix")],
    Discriminator(number_or_mix),
]


class _Counters(ScenarioModel):
    """What thresholds have counted."""

    used_today: _Counted = 0
    """What is counted in the UTC day that the run begins in."""
    used_this_month: _Counted = 0
    """What is counted in the UTC month that the run begins in."""


class CountryState(_Counters):
    """What is counted of one country, and the notices of its quota."""

    suspended: Flag = False
    """Whether sending there is suspended for want of quota, in mode 2."""
    run_out_armed: Flag | None = None
    """Whether the next run-out is an event; as it is where quota is left, if nothing is said."""
    low_quota_armed: Flag | None = None
    """Whether coming down to account.low_quota is an event; as it is where more than that is left,
    if nothing is said."""


class InFlight(ScenarioModel):
    """One copy of a message that was sent before the run begins, and what is final of it."""

    source: Name
    """Its source."""
    request: _Number
    """The number of its request."""
    recipient: _Number = 0
    """Its place in the request."""
    resend_number: Annotated[Int, Field(ge=0, le=7)] = 0
    """Which copy it is, 0 the first."""
    submitted_at: Instant
    """When it was sent."""
    refused_at: Literal["", "request", "number", "platform"] = ""
    """The stage that refused it; nothing for one that was accepted and sent."""
    status: Status
    """The code of its refusal, or the status that it ends with."""
    sent_at: Instant | None = None
    """When it leaves the queue."""
    final_at: Instant | None = None
    """When a freeze failed it; nothing for all others."""
    package: _Number | None = None
    """The id of the package that gave first."""
    covered_segments: _Number = 0
    """Segments that packages gave."""
    cost: Money = 0.0
    """Its pay-per-use charge."""
    parts: tuple[tuple[_Number, _Number], ...] = ()
    """[package, segments] of each, where several gave."""


class UndeliveredCharge(ScenarioModel):
    """A mainland message that is charged when it is delivered."""

    sent_at: Instant
    """When it leaves the queue."""
    delivered_at: Instant
    """When it is delivered."""
    cost: Money
    """What it costs then."""


class BatchesSoFar(ScenarioModel):
    """Batches of status reports of one application before the run begins."""

    closed: _Number = 0
    """How many have closed."""
    reports: tuple[tuple[Instant, _Number], ...] = ()
    """[created, how many] of reports of earlier messages that are in no closed batch."""


_PassedNumber = tuple[_Number, Int, _Number, _Number, _Number]


class Opening(_Counters):
    """The state in which the run begins; what a plan that starts on the 15th has to know."""

    at: Instant | None = None
    """The first instant of the run, not before `start`; without it, `start`."""
    mainland: _Counters = _Counters()
    """What is counted of messages to mainland China."""
    countries: dict[Country, CountryState] = {}
    """What is counted of countries with limits of their own, and the notices of their quota."""
    suspended: Flag = False
    """Whether all sending is suspended for want of quota, in mode 2 with suspend_scope account."""
    waiting_s: _Waits = 0.0
    """Seconds that queues are still busy: of all, or by application or country as queue.scope
    says."""
    balance: SignedMoney | None = None
    """Prepaid money then, instead of account.balance."""
    accrued: SignedMoney = 0.0
    """Charges since the last full hour."""
    frozen: Flag = False
    """Whether the account is frozen for arrears."""
    in_flight: tuple[InFlight, ...] = ()
    """Copies sent before that something still depends on."""
    undelivered: tuple[UndeliveredCharge, ...] = ()
    """Mainland messages that are charged when they are delivered."""
    numbers: dict[Name, tuple[_PassedNumber, ...]] = {}
    """By source, [number, minute since 1970, passes in it, in its hour, in its day] for limits of
    frequency."""
    batches: dict[Name, BatchesSoFar] = {}
    """By application, the batches of status reports so far."""


def opening_violations(s: Any) -> Iterator[Violation]:
    """The opening lies in the run, names what exists, and packages in force were before it."""
    opening = s.opening
    begin = s.start if opening is None or opening.at is None else opening.at
    for i, package in enumerate(s.packages):
        force = package.in_force
        if force is not None and readable(force, begin) and force >= begin:
            rule = f"must be before the run begins, {as_written(begin)}: else give at"
            yield ("packages", i, "in_force"), f"{as_written(force)} {rule}"
    if opening is None:
        return
    known = opening.at is not None and readable(opening.at, s.start, s.days)
    if known and not s.start <= opening.at < s.end:
        run = f"{as_written(s.start)} to {as_written(s.end)}"
        yield ("opening", "at"), f"{as_written(opening.at)} must be within the run, {run}"
    if (opening.frozen or opening.balance is not None) and s.account.balance is None:
        field = "frozen" if opening.frozen else "balance"
        yield ("opening", field), f"{field} goes with account.balance, which is not given"
    sources = {source.name for source in s.sources}
    applications = {application.name for application in s.applications}
    for i, copy in enumerate(opening.in_flight):
        if readable(copy.source) and copy.source not in sources:
            yield ("opening", "in_flight", i, "source"), f"there is no source {copy.source!r}"
    for field, names, kind in (
        ("numbers", sources, "source"),
        ("batches", applications, "application"),
    ):
        for name in getattr(opening, field):
            if name not in names:
                yield ("opening", field, name), f"there is no {kind} {name!r}"
    if isinstance(opening.waiting_s, dict):
        scope = s.queue.scope
        queues = applications if scope == "application" else set(_countries(s))
        for name in opening.waiting_s:
            if scope == "shared" or name not in queues:
                rule = (
                    "give a number, there is one queue"
                    if scope == "shared"
                    else f"there is no {scope} {name!r}"
                )
                yield ("opening", "waiting_s", name), rule


def _countries(s: Any) -> Iterator[str]:
    for source in s.sources:
        yield from [source.country] if hasattr(source, "country") else source.countries
