"""Beyond the console: routes to countries, the sending queue, the customer's callback server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from smssim.scenario.delays import Delay, LogNormal, Seconds, SlowPart
from smssim.scenario.errors.problems import Violation, as_written
from smssim.scenario.fields import (
    ORG_CODE,
    STATUS,
    Count,
    Flag,
    Float,
    Instant,
    Int,
    Money,
    ScenarioModel,
    Share,
)

__all__ = [
    "MOST_IN_A_BATCH",
    "Callback",
    "DatedPrice",
    "Outage",
    "Outcome",
    "Queue",
    "RandomOutages",
    "Route",
    "Status",
]

MOST_IN_A_BATCH = 50
Status = Annotated[str, Field(pattern=STATUS)]


class Outcome(ScenarioModel):
    """One final status and its share of the messages."""

    status: Status
    """A status of the report, or `none`: no report ever, EXPIRED after 72 h."""
    share: Share
    """Its share of the messages, 0 to 1."""
    source: Literal["supplier", "huawei"] = "supplier"
    """Who made the status; the platform's own are not charged and take no queue slot."""
    latency: Delay | None = None
    """From leaving the queue to this status, in seconds; that of the route if nothing is said."""
    org_code: Annotated[str, Field(pattern=ORG_CODE)] | None = None
    """The southbound element's own code, which its reports pass on as orgCode; none if nothing is
    said. It is in captures alone (DOMAIN.md section 7)."""

    def violations(self) -> Iterator[Violation]:
        """Only a report that came from the southbound element passes its code on, or takes time."""
        if self.latency is not None and (self.source == "huawei" or self.status == "none"):
            without = (
                "there is no report" if self.status == "none" else "the platform refuses at once"
            )
            yield ("latency",), f"latency must be left out: {without}"
        if self.org_code is not None and (self.source == "huawei" or self.status == "none"):
            without = "no report" if self.status == "none" else "a report of the platform's own"
            message = (
                f"{as_written(self.org_code)} must be left out: {without} passes no orgCode on"
            )
            yield ("org_code",), message


class DatedPrice(ScenarioModel):
    """A price of a segment from a moment on."""

    # A keyword cannot be a field by a statement; in a file no other word would do as well.
    __annotations__["from"] = "Instant"
    locals()["from"] = Field(description="The first instant at which it holds.")
    price: Money
    """Pay-per-use, a segment, in the scenario's currency."""

    @property
    def since(self) -> datetime:
        """The first instant at which it holds."""
        moment: datetime = getattr(self, "from")
        return moment


class Route(ScenarioModel):
    """The way to one country: price, final statuses, delay."""

    price: Money = 0.05
    """Assumption: pay-per-use, a segment, in the scenario's currency; Huawei's prices are not
    public."""
    prices: tuple[DatedPrice, ...] = ()
    """Later prices, each from its instant on, in that order; a message has the price of the moment
    at which it is submitted. `price` holds before the first."""
    outcomes: tuple[Outcome, ...] = (
        Outcome(status="DELIVRD", share=0.95),
        Outcome(status="UNDELIV", share=0.03),
        Outcome(status="REJECTD", share=0.005),
        Outcome(status="none", share=0.015),
    )
    """Assumption: shares of the final statuses; they sum to 1."""
    latency: Delay = Delay(
        lognormal_s=LogNormal(median=4, p95=15), slow=SlowPart(share=0.03, median=3_600, p95=36_000)
    )
    """Assumption: from leaving the queue to the final report, in seconds."""

    def violations(self) -> Iterator[Violation]:
        """Shares sum to 1, each status stands once, the platform delivers nothing, prices have
        their order.
        """
        for i, (earlier, later) in enumerate(pairwise(self.prices), start=1):
            if later.since <= earlier.since:
                message = f"{as_written(later.since)} must be after {as_written(earlier.since)}"
                yield ("prices", i, "from"), f"{message}: prices stand in the order of time"
        total = sum(outcome.share for outcome in self.outcomes)
        if abs(total - 1) > 1e-9:
            yield ("outcomes",), f"the shares of the outcomes sum to {total:g}: they must sum to 1"
        seen: set[str] = set()
        for i, outcome in enumerate(self.outcomes):
            if outcome.status in seen:
                yield ("outcomes", i, "status"), f"the status {outcome.status!r} appears twice"
            seen.add(outcome.status)
            if outcome.source == "huawei" and outcome.status in ("DELIVRD", "none"):
                message = f"the platform cannot make {outcome.status}: its source must be supplier"
                yield ("outcomes", i, "source"), message

    @property
    def price_text(self) -> str:
        """The price of a segment and those that follow it, for people."""
        later = [f"{_plain(dated.price)} from {as_written(dated.since)}" for dated in self.prices]
        return ", ".join([_plain(self.price), *later])

    def price_at(self, moment: datetime) -> float:
        """The price of a segment that is submitted at a moment."""
        dated = (dated.price for dated in reversed(self.prices) if dated.since <= moment)
        return next(dated, self.price)


def _plain(price: float) -> str:
    return f"{price:,.6f}".rstrip("0").rstrip(".")


class Queue(ScenarioModel):
    """The first-in first-out queue that accepted messages leave through."""

    scope: Literal["shared", "application", "route"] = "shared"
    """Assumption: one queue for the whole account, or one an application or a country."""
    throughput_per_s: Annotated[Float, Field(ge=1e-6, le=1e6)] = 500
    """Assumption: messages per second that leave a queue; Huawei recommends at most 500 numbers a
    second, a hard limit is not published."""
    capacity: Annotated[Int, Field(ge=0, le=10**9)] | None = None
    """Assumption: messages that may wait before E200015; without it the queue never refuses."""
    validity_h: Annotated[Float, Field(gt=0, le=168)] = 72
    """Hours without a report after which the platform makes an EXPIRED report; 72 by the
    documents."""

    manual_review_every: Count | None = None
    """Assumption: one request in so many is looked at by hand before it goes on; none. There is
    such a review by the documents, how often is not published."""
    manual_review: Delay = Delay(fixed_s=1_800)
    """Assumption: how long that takes, in seconds, which the final report comes later; half an
    hour."""

    @property
    def gap_us(self) -> int:
        """Microseconds between two messages that leave the queue."""
        return max(1, int(1_000_000 / self.throughput_per_s))


class Outage(ScenarioModel):
    """A window in which the callback server is down."""

    at: Instant
    """When it goes down."""
    minutes: Annotated[Float, Field(gt=0, le=1e6)]
    """How long it is down, in minutes."""


class RandomOutages(ScenarioModel):
    """Outages that come by chance: up and down by turns, from the start."""

    up: Delay
    """How long it stays up, in seconds."""
    down: Delay
    """How long it stays down, in seconds."""


class Callback(ScenarioModel):
    """The customer's server for delivery reports (DOMAIN.md section 7)."""

    address: Flag = True
    """Whether requests name an address of their own (statusCallback), unless their source says
    otherwise; without it the application's batch address gets the reports. Without that one
    nothing is pushed: a report is kept an hour on the platform, then it is gone."""
    batch_wait_s: Seconds = 60
    """Assumption: aggregation time, from the first report of a batch until it is pushed unless it
    is full before, in seconds; a minute. 0 aggregates nothing."""
    batch_size: Annotated[Int, Field(ge=1, le=MOST_IN_A_BATCH)] = MOST_IN_A_BATCH
    """Reports a batch, at most 50 (DOMAIN.md section 7)."""
    outages: tuple[Outage, ...] = ()
    """Windows in which the server is down, such as a planned maintenance."""
    random_outages: RandomOutages | None = None
    """Assumption: outages that come by chance; none."""
    no_answer_share: Share = 0.0
    """Assumption: the share of pushes that time out though the server is up, 0 to 1."""
    error_answer_share: Share = 0.0
    """Assumption: the share of arriving pushes that the server answers with anything but 200 OK, 0
    to 1; it has not taken them."""
    lost_answer_share: Share = 0.0
    """Assumption: the share of arrived pushes whose 200 OK is lost on its way, 0 to 1."""
    retries_s: tuple[Seconds, ...] = Field(default=(), max_length=15)
    """Assumption: when a push that failed is tried again, in seconds after the report, as a
    what-if; the documents promise no second push."""

    def is_named(self, status_callback: bool | None) -> bool:
        """Whether the requests of a source that says this of itself name an address."""
        return self.address if status_callback is None else status_callback

    def violations(self) -> Iterator[Violation]:
        """Retries rise."""
        for i, (a, b) in enumerate(zip((0.0, *self.retries_s), self.retries_s, strict=False)):
            if b <= a:
                message = f"{b:g} must be > {a:g}: retries_s must rise from above 0"
                yield ("retries_s", i), message
