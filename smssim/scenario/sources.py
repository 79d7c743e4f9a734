"""Where messages come from: API traffic, and calls written out one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag

from smssim.calendars import HOUR, hourly_weights, to_us
from smssim.scenario.delays import Delay, Seconds, microseconds
from smssim.scenario.demand import Occasion, growth_factors, most_requests, occasion_factors
from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import (
    Country,
    Extend,
    Flag,
    Float,
    Instant,
    Int,
    Name,
    ScenarioModel,
    Share,
    Weight,
    Zone,
    integer_key,
    number_or_mix,
)
from smssim.scenario.network import Status
from smssim.sms import reference
from smssim.stats.keyed_random import REQUESTS_AN_HOUR

__all__ = [
    "MOST_WHITELISTED",
    "Call",
    "Calls",
    "Flaws",
    "Numbers",
    "Recipient",
    "Recipients",
    "Resend",
    "ServerResend",
    "Traffic",
]

MOST_WHITELISTED = 1_000
_MOST_DRAWN = 1_000
"""A client may put more numbers into a request than it holds, but not more than this."""
Numbers = Annotated[Int, Field(ge=1, le=500)]
_DrawnNumbers = Annotated[Int, Field(ge=1, le=_MOST_DRAWN), BeforeValidator(integer_key)]
Recipients = Annotated[
    Annotated[Numbers, Tag("number")] | Annotated[dict[_DrawnNumbers, Share], Tag("mix")],
    Discriminator(number_or_mix),
]
_Beginning = Annotated[str, Field(pattern=r"^[1-9][0-9]{2,13}$")]


class Resend(ScenarioModel):
    """Users who ask for the password again when it is late."""

    patience: Delay = Delay(fixed_s=60)
    """Assumption: how long a user waits before asking again, in seconds; a minute."""
    at_most: Annotated[Int, Field(ge=1, le=7)] = 2
    """Assumption: copies after the first, at most 7."""


class ServerResend(ScenarioModel):
    """The customer's server sends again what failed, by code: the seed's "rectify and resend"."""

    statuses: tuple[Status, ...] = Field(min_length=1)
    """What is sent again: codes of the answer (E200015) and statuses of reports (UNDELIV)."""
    after: Delay = Delay(fixed_s=60)
    """Assumption: from learning of the failure to sending again, in seconds; a minute."""
    at_most: Annotated[Int, Field(ge=1, le=7)] = 1
    """Assumption: copies after the first, at most 7."""

    def violations(self) -> Iterator[Violation]:
        """What was delivered is not sent again, nor what has no status."""
        for i, status in enumerate(self.statuses):
            if status == "DELIVRD":
                message = "DELIVRD must not be sent again: statuses are those of failures"
                yield ("statuses", i), message
            elif status == "none":
                yield ("statuses", i), "a message without a report ends as EXPIRED: name that"
            elif status in self.statuses[:i]:
                yield ("statuses", i), f"the status {status!r} appears twice"


def _two_resends(users: Resend | None, server: ServerResend | None) -> Iterator[Violation]:
    """Users of a source ask again, or its server sends again: one of the two."""
    if users is not None and server is not None:
        message = "give resend (users) or server_resend, one of the two, not both; or two sources"
        yield ("server_resend",), message


class Flaws(ScenarioModel):
    """What is wrong with some of a source's messages themselves, by the customer's own fault."""

    variables: Share = 0.0
    """Assumption: the share of messages whose variables do not fit the template (E200028)."""
    password: Share = 0.0
    """Assumption: the share of passwords that are not 4 to 8 digits (E200051); templates of type
    otp only."""
    duplicates: Share = 0.0
    """Assumption: the share of a request's further numbers that repeat one of it (E200041)."""

    def violations(self) -> Iterator[Violation]:
        """A message has one flaw of its content at most."""
        if self.variables + self.password > 1:
            total = f"variables + password(={self.variables + self.password:g})"
            yield ("password",), f"{total} must be <= 1"


class Traffic(ScenarioModel):
    """API requests through the month: a mean rate with a daily and a weekly rhythm."""

    name: Name
    """Its name; random numbers depend on it, so a new name is a new sample."""
    template: Name
    """The template it sends, by name."""
    country: Country
    """The country of its recipients, two capital letters."""
    messages_a_day: Float = Field(gt=0, le=1e8)
    """Expected messages per day, over the whole week, without resends."""
    hours: tuple[Weight, ...] = (1.0,) * 24
    """24 weights, local hours 0 to 23; any scale, all alike if nothing is said."""
    weekdays: tuple[Weight, ...] = (1.0,) * 7
    """7 weights, Monday first; any scale, all alike if nothing is said."""
    zone: Zone | None = None
    """The time zone of the rhythm; without it, the country's capital's."""
    recipients: Recipients = 1
    """Numbers a request (at most 500), or the share of requests by numbers; drawn ones above 500
    are refused as a whole (E000503)."""
    beginnings: dict[_Beginning, Share] = {}
    """Shares of its recipients by how their numbers begin, country code first; number control sees
    nothing else of a number."""
    numbers: Annotated[Int, Field(ge=1, le=10**7)] | None = None
    """Assumption: how many different numbers its recipients have, all alike; without it every
    message goes to a number of its own. Frequency limits depend on it."""
    whitelisted: Flag = False
    """Whether its numbers, at most 1,000, are in the whitelist of the frequency limit."""
    flaws: Flaws = Flaws()
    """What is wrong with some of its messages; nothing if nothing is said."""
    address: str | None = None
    """The address its requests come from; without it, one that every whitelist lets in."""
    extend: Extend | None = None
    """The `extend` of its requests, which reports give back; none if nothing is said. It is in
    captures alone."""
    status_callback: Flag | None = None
    """Whether its requests name an address for delivery reports, which wins over the application's
    batch address; as callback.address if nothing is said."""
    starts: Instant | None = None
    """Its first instant; without it, the start of the run."""
    ends: Instant | None = None
    """The first instant after it; without it, the end of the run."""
    resolution_s: Seconds = 0
    """Requests sit on a grid of this many seconds, as those of a scheduled job do; 0 is a
    microsecond."""
    resend: Resend | None = None
    """Users who ask again when a message is late; no one does if nothing is said."""
    server_resend: ServerResend | None = None
    """The customer's server, which sends again what failed; it does not if nothing is said."""
    fraudulent: Flag = False
    """An attack: traffic pumped through the customer's own forms."""
    growth_per_day: Annotated[Float, Field(ge=-0.2, le=0.2)] = 0.0
    """By what share its mean rate grows per day, compounded, from the start of the run; 0."""
    swings: tuple[Name, ...] = ()
    """The scenario's swings that its days go with, by name; several multiply, none if nothing is
    said."""
    same_text: Flag = False
    """Whether all numbers of a request get one text, and so the same number of segments."""

    def violations(self) -> Iterator[Violation]:
        """Weights of the right number, a grid that fits an hour, requests that can be numbered."""
        yield from _two_resends(self.resend, self.server_resend)
        rhythm_is_good = True
        for name, weights, n in (("hours", self.hours, 24), ("weekdays", self.weekdays, 7)):
            if len(weights) != n or sum(weights) <= 0:
                rhythm_is_good = False
                have = f"{len(weights)} weights" if len(weights) != n else "only zeros"
                yield (name,), f"{have}: {name} must be {n} weights, not all 0"
        if self.whitelisted and (self.numbers is None or self.numbers > MOST_WHITELISTED):
            have = "no numbers" if self.numbers is None else f"{self.numbers} numbers"
            message = f"{have}: a whitelist holds at most {MOST_WHITELISTED}"
            yield ("whitelisted",), f"{message} (DOMAIN.md section 5)"
        if self.beginnings and not sum(self.beginnings.values()) > 0:
            yield ("beginnings",), "the shares of beginnings must not all be 0"
        grid_us = microseconds(self.resolution_s)
        if grid_us and HOUR % grid_us:
            message = f"resolution_s(={self.resolution_s:g}) must divide an hour"
            yield ("resolution_s",), message
        shares = self.recipient_shares()
        if not sum(shares.values()) > 0:
            yield ("recipients",), "the shares of recipients must not all be 0"
        elif rhythm_is_good:
            yield from self._too_many()

    def busiest_mean(self) -> float:
        """Mean requests of the busiest hour of an ordinary week."""
        shares = self.recipient_shares()
        mean = sum(n * share for n, share in shares.items()) / sum(shares.values())
        peak = 24 * max(self.hours) / sum(self.hours) * 7 * max(self.weekdays) / sum(self.weekdays)
        return self.messages_a_day / 24 * peak / mean

    def _too_many(self) -> Iterator[Violation]:
        requests = self.busiest_mean()
        if most_requests(requests) > REQUESTS_AN_HOUR:
            message = f"{requests:,.0f} requests in the busiest hour"
            rule = f"a source must stay below {REQUESTS_AN_HOUR:,} an hour; split it in two"
            yield ("messages_a_day",), f"{message}: {rule}"

    def recipient_shares(self) -> dict[int, float]:
        """The share of requests by their number of recipients."""
        if isinstance(self.recipients, int):
            return {self.recipients: 1.0}
        return dict(sorted(self.recipients.items()))

    def expected(self, start_us: int, end_us: int, occasions: Sequence[Occasion] = ()) -> float:
        """Expected messages of a run between two instants, without resends."""
        first = max(start_us, to_us(self.starts) if self.starts else start_us)
        last = min(end_us, to_us(self.ends) if self.ends else end_us)
        if last <= first:
            return 0.0
        hour, n = first // HOUR, -(-last // HOUR) - first // HOUR
        country = reference.countries().get(self.country)
        zone = self.zone or (country.zone if country else "UTC")
        weights = hourly_weights(hour, n, zone, self.hours, self.weekdays)
        if self.growth_per_day:
            weights *= growth_factors(self.growth_per_day, start_us, hour, n)
        for occasion in occasions:
            if occasion.concerns(self.country):
                weights *= occasion_factors(occasion, hour, n, zone)
        weights[0] *= 1 - (first - hour * HOUR) / HOUR
        weights[-1] *= 1 - ((hour + n) * HOUR - last) / HOUR
        return fsum(weights.tolist()) * self.messages_a_day / 24


class Recipient(ScenarioModel):
    """One number of a call; what is fixed here happens, the rest is left to the marks."""

    status: str | None = None
    """A status of the country's route, or `none` for no report; by chance if nothing is said."""
    latency_s: Seconds | None = None
    """Seconds from leaving the queue to the final report; by chance if nothing is said."""
    segments: Annotated[Int, Field(ge=1, le=8)] | None = None
    """Segments of the message; the template's if nothing is said."""


class Call(ScenarioModel):
    """One API request at one moment."""

    at: Instant
    """When it is made."""
    to: tuple[Recipient, ...] = Field(min_length=1, max_length=500)
    """Its recipients, at most 500."""


class Calls(ScenarioModel):
    """API requests written out one by one, so that a world can be computed by hand."""

    name: Name
    """Its name; random numbers depend on it."""
    template: Name
    """The template it sends, by name."""
    country: Country
    """The country of its recipients, two capital letters."""
    calls: tuple[Call, ...] = Field(min_length=1, max_length=REQUESTS_AN_HOUR)
    """The requests, in any order."""
    address: str | None = None
    """The address its requests come from; without it, one that every whitelist lets in."""
    extend: Extend | None = None
    """The `extend` of its requests, which reports give back; none if nothing is said. It is in
    captures alone."""
    status_callback: Flag | None = None
    """Whether its requests name an address for delivery reports, which wins over the application's
    batch address; as callback.address if nothing is said."""
    resend: Resend | None = None
    """Users who ask again when a message is late; no one does if nothing is said."""
    server_resend: ServerResend | None = None
    """The customer's server, which sends again what failed; it does not if nothing is said."""

    def violations(self) -> Iterator[Violation]:
        """One kind of resend at most."""
        yield from _two_resends(self.resend, self.server_resend)

    def expected(self, start_us: int, end_us: int) -> float:
        """Messages between two instants, without resends."""
        return sum(len(call.to) for call in self.calls if start_us <= to_us(call.at) < end_us)
