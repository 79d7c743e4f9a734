"""Templates and their review (DOMAIN.md sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from smssim.scenario.delays import Delay
from smssim.scenario.errors.problems import Violation, as_written
from smssim.scenario.fields import (
    Country,
    Instant,
    Int,
    Length,
    Name,
    ScenarioModel,
    Segments,
    Share,
)
from smssim.sms.reference import MAINLAND
from smssim.sms.segments import VARIABLE, Counting, segments, signed
from smssim.sms.templates.values import template_segments

__all__ = ["Review", "Template"]

_LONGEST_NAME = 32
_MOST_REJECTED, _LEAST_MENDING_S = 0.999, 60
_MOST_SEGMENTS = 8
_SIGNATURE = r"^[^【】]+$"


class Template(ScenarioModel):
    """A template of an application; its text or its segments say what a message costs."""

    name: Name
    """Its name, by which sources refer to it; at most 32 characters, as the API's templateId."""
    application: Name
    """The application it belongs to, by name."""
    type: Literal["otp", "notification"] = "otp"
    """A one-time password or a notification."""
    text: str | None = Field(default=None, max_length=500)
    """The text, to count segments; at most 500 characters. Without `variables` it is as the
    recipient sees it."""
    variables: dict[str, Length] = {}
    """The lengths of the text's variables by name, NUM_6: 6, or the shares of their lengths; a
    variable counts with its real length (DOMAIN.md section 3)."""
    signature: str | None = Field(default=None, max_length=64, pattern=_SIGNATURE)
    """The signature of messages to mainland China, which count 70 or 67 characters a segment with
    it; international ones have none."""
    counting: Counting = "huawei"
    """Assumption: whether a character beyond UTF-16's first plane counts one (huawei) or two
    (3gpp)."""
    segments: Segments = 1
    """Segments a message, 1 to 8, or the share of messages by segments; not with a text."""
    submitted: Instant | None = None
    """When it is handed in for review; without it, it was usable before the start, or is handed in
    as soon as its application exists where that is still to be created."""
    urged: Instant | None = None
    """When its review is urged, while it is pending; of use with a finite number of reviewers
    only."""

    def violations(self) -> Iterator[Violation]:
        """A name that the API can carry; a text or segments; no more than a template holds."""
        if len(self.name) > _LONGEST_NAME:
            message = f"the name has {len(self.name)} characters: at most {_LONGEST_NAME}"
            yield ("name",), f"{message} (the API's templateId, DOMAIN.md section 6)"
        if self.urged is not None and self.submitted is not None and self.urged < self.submitted:
            message = f"urged(={as_written(self.urged)}) must not be before submitted"
            yield ("urged",), f"{message}(={as_written(self.submitted)})"
        if self.text is not None and "segments" in self.model_fields_set:
            yield ("segments",), "give text or segments, not both"
            return
        unknown = list(self._unknown_variables())
        if unknown:
            yield from unknown
            return
        shares = self.segment_shares()
        most = max([*shares, *(self.segment_shares(MAINLAND) if self.signature else ())], default=0)
        if most > _MOST_SEGMENTS:
            message = f"{most} segments: at most {_MOST_SEGMENTS}"
            yield ("segments",), f"{message}, as a template holds 500 characters"
        if not sum(shares.values()) > 0:
            yield ("segments",), "the shares of segments must not all be 0"

    def _unknown_variables(self) -> Iterator[Violation]:
        """Lengths are those of the text's variables, of all or of none."""
        names = VARIABLE.findall(self.text or "")
        for name in self.variables:
            if name not in names:
                yield ("variables", name), f"{name!r} is not a variable of the text"
        missing = [name for name in names if name not in self.variables]
        if self.variables and missing:
            yield ("variables",), f"the length of {missing[0]!r} is missing"
        for name, lengths in self.variables.items():
            if isinstance(lengths, dict) and not sum(lengths.values()) > 0:
                yield ("variables", name), "the shares of lengths must not all be 0"

    def segment_shares(self, country: str | None = None) -> dict[int, float]:
        """The share of messages by their number of segments; to mainland China (CN), a text counts
        with its signature.
        """
        if self.text is not None:
            text = self.text
            if country == MAINLAND and self.signature is not None:
                text = signed(text, self.signature)
            if not self.variables:
                return {segments(text, self.counting): 1.0}
            return template_segments(text, self.variables, self.counting)
        if isinstance(self.segments, int):
            return {self.segments: 1.0}
        return dict(sorted(self.segments.items()))


class Review(ScenarioModel):
    """How templates are reviewed: on Chinese workdays, 09:00-18:00 GMT+8 (DOMAIN.md section 4)."""

    two_hours: Literal["wall", "working"] = "wall"
    """Assumption: the two hours are hours of the clock; working lets them rest from 18:00 to
    09:00."""
    decision: Delay = Delay(uniform_s=(0, 7_200))
    """Assumption: when within the two hours the decision falls, in seconds; anywhere in them."""
    next_workday: Delay = Delay(uniform_s=(0, 32_400))
    """Assumption: after 18:00 or on a day off, how many seconds after 09:00 of the next workday
    the decision falls; anywhere until 18:00."""
    rejection: Annotated[Share, Field(lt=1)] = 0.0
    """Assumption: the share of submissions that are rejected, below 1; Huawei publishes none."""
    mending: Delay = Delay(fixed_s=3_600)
    """Assumption: how long a rejected template is mended before it is handed in again, in seconds;
    an hour."""
    usable_after: Delay = Delay(fixed_s=300)
    """From approval to the first use, in seconds; about 5 minutes (DOMAIN.md section 4)."""
    reviewers: Annotated[Int, Field(ge=1, le=10_000)] | None = None
    """Assumption: reviewers who handle one template at a time, first come first served, urged ones
    first; without it they are never the bottleneck, and the delays above say when they decide."""
    handling: Delay = Delay(fixed_s=1_800)
    """Assumption: with finite reviewers, how long one handles a template, in seconds of working
    time; half an hour."""
    longer: dict[Country, Delay] = {}
    """Assumption: by country, how much longer the review of a template that goes there takes, in
    seconds of working time; Huawei says that it does in some, not how much."""
    extra_workdays: tuple[Instant, ...] = ()
    """Make-up days of a year not published yet."""
    extra_holidays: tuple[Instant, ...] = ()
    """Holidays of a year not published yet."""

    def violations(self) -> Iterator[Violation]:
        """No day is both; a submission is approved some day."""
        if self.rejection > _MOST_REJECTED and self.mending.median_s() < _LEAST_MENDING_S:
            bound = f"at most {_MOST_REJECTED} where mending takes less than a minute"
            message = f"{self.rejection:g} are rejected again and again within a moment: {bound}"
            yield ("rejection",), message
        workdays = {day.date() for day in self.extra_workdays}
        for i, day in enumerate(self.extra_holidays):
            if day.date() in workdays:
                message = f"{day.date()} must not be in extra_workdays too"
                yield ("extra_holidays", i), message
