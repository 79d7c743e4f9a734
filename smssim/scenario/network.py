"""Beyond the console: routes to countries, the sending queue, the customer's callback server."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from smssim.scenario.base import Delay, Instant, LogNormal, Money, Part, Seconds, Share, SlowPart

Status = Annotated[str, Field(pattern=r"^[A-Za-z0-9:]{1,7}$")]


class Outcome(Part):
    """One final status and its share of the messages."""

    status: Status
    """A status of the report, or `none`: no report ever, EXPIRED after 72 h."""
    share: Share
    source: Literal["supplier", "huawei"] = "supplier"
    """Who made the status; the platform's own are not charged and take no queue slot."""


class Route(Part):
    """The way to one country: price, final statuses, delay."""

    price: Money = 0.05
    """Assumption, a segment at pay-per-use: Huawei's prices are not public."""
    outcomes: tuple[Outcome, ...] = (
        Outcome(status="DELIVRD", share=0.95),
        Outcome(status="UNDELIV", share=0.03),
        Outcome(status="REJECTD", share=0.005),
        Outcome(status="none", share=0.015),
    )
    """Assumption: shares of the final statuses (they sum to 1)."""
    latency: Delay = Delay(
        lognormal_s=LogNormal(median=4, p95=15), slow=SlowPart(share=0.03, median=3_600, p95=36_000)
    )
    """Assumption: from leaving the queue to the final report."""

    @model_validator(mode="after")
    def _shares(self) -> Self:
        total = sum(outcome.share for outcome in self.outcomes)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the outcomes' shares sum to {total:g}, they must sum to 1")
        names = [outcome.status for outcome in self.outcomes]
        if len(set(names)) < len(names):
            raise ValueError(f"each status stands once, not {names}")
        if any(o.source == "huawei" and o.status in ("DELIVRD", "none") for o in self.outcomes):
            raise ValueError("the platform (source huawei) cannot make DELIVRD or none")
        return self


class Queue(Part):
    """The first-in first-out queue that accepted messages leave through."""

    scope: Literal["shared", "application", "route"] = "shared"
    """Assumption: one queue for the whole account."""
    throughput_per_s: Annotated[float, Field(gt=0, le=1e6)] = 500
    """Assumption: Huawei recommends at most 500 numbers a second; a hard limit is not published."""
    capacity: int | None = Field(default=None, ge=0)
    """Messages that may wait before E200015; without it the queue never refuses."""
    validity_h: Annotated[float, Field(gt=0, le=168)] = 72
    """Hours without a report after which the platform makes an EXPIRED report."""

    @property
    def gap_us(self) -> int:
        """Microseconds between two messages that leave the queue."""
        return max(1, int(1_000_000 / self.throughput_per_s))


class Outage(Part):
    """A window in which the callback server is down."""

    at: Instant
    minutes: Annotated[float, Field(gt=0)]


class RandomOutages(Part):
    """Outages that come by chance: up and down by turns, from the start."""

    up: Delay
    down: Delay


class Callback(Part):
    """The customer's server for status reports (DOMAIN.md section 7)."""

    address: bool = True
    """Whether statusCallback is given; without an address nothing is pushed."""
    outages: tuple[Outage, ...] = ()
    random_outages: RandomOutages | None = None
    no_answer_share: Share = 0.0
    """Assumption: the share of pushes that time out though the server is up."""
    lost_answer_share: Share = 0.0
    """Assumption: the share of arrived pushes whose 200 OK is lost on its way."""
    retries_s: tuple[Seconds, ...] = Field(default=(), max_length=15)
    """Assumption: the documents promise no second push; delays after the report, in seconds, as a what-if."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(b <= a for a, b in zip((0, *self.retries_s), self.retries_s, strict=False)):
            raise ValueError(f"retries_s(={list(self.retries_s)}) must rise from above 0")
        return self
