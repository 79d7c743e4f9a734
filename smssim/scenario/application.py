"""Applications: their state, whitelists and addresses (DOMAIN.md sections 5, 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, SecretStr

from smssim.scenario.delays import Seconds
from smssim.scenario.errors.problems import Found, said
from smssim.scenario.fields import STATUS, Flag, Instant, Int, Name, Part

NO_LIMIT = 10**9
Times = Annotated[Int, Field(ge=1, le=999)]


class Frequency(Part):
    """How often one number may be sent to by an application (DOMAIN.md section 5)."""

    per_minute: Times | None = None
    """Messages a number and clock minute; at most 999."""
    per_hour: Times | None = None
    """Messages a number and clock hour; at most 999."""
    per_day: Times | None = None
    """Messages a number and calendar day of GMT+8; at most 999."""
    saved: Instant | None = None
    """When it is saved in the console; without it, it is in force from the start."""
    after_s: Seconds = 900
    """Seconds from saving until it is in force; 15 minutes."""

    def broken(self) -> Iterator[Found]:
        """It limits something."""
        if self.per_minute is None and self.per_hour is None and self.per_day is None:
            yield (), "a frequency must limit per_minute, per_hour or per_day"

    @property
    def limits(self) -> tuple[int, int, int]:
        """Messages a minute, hour and day; a limit that is not set is never reached."""
        values = (self.per_minute, self.per_hour, self.per_day)
        return tuple(NO_LIMIT if value is None else value for value in values)  # type: ignore[return-value]


class Application(Part):
    """An application: its channel sends templates.

    Its secret is never printed: no text, file, fingerprint or error of ours holds it.
    """

    name: Name
    """Its name, by which templates refer to it."""
    created: Instant | None = None
    """When it is tried to create it; without it as soon as possible where the scenario has
    onboarding, else it exists from the start."""
    key: str | None = None
    """Its application key, for those who write their own requests."""
    secret: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """Its application secret; it is read and never printed or written again."""
    address: str | None = None
    """Its access address."""
    channel: str | None = None
    """The channel number that its messages come from."""
    suspended: Instant | None = None
    """When it is suspended, for a violation; it is not if nothing is said."""
    reinstated: Instant | None = None
    """When a suspended application may send again; never if nothing is said."""
    suspended_code: Annotated[str, Field(pattern=STATUS)] = "E000103"
    """Assumption: the code that requests of a suspended application get; app_key unavailable."""
    addresses: tuple[str, ...] = Field(default=(), max_length=100)
    """The whitelist of addresses that requests may come from, at most 100; empty lets all in
    (others: E000620)."""
    addresses_saved: Instant | None = None
    """When the whitelist is saved; without it, it is in force from the start."""
    addresses_after_s: Seconds = 900
    """Seconds from saving the whitelist until it is in force; 10 to 15 minutes."""
    frequency: Frequency | None = None
    """How often one number may be sent to; as often as one likes if nothing is said."""
    batch_address: Flag = False
    """Whether it has an address for status reports of requests that name none; they come there in
    batches of at most 50 (DOMAIN.md section 7)."""

    def broken(self) -> Iterator[Found]:
        """What is reinstated was suspended before."""
        if self.reinstated is not None and (
            self.suspended is None or self.reinstated <= self.suspended
        ):
            told = f"reinstated(={said(self.reinstated)}) must be after suspended"
            yield ("reinstated",), f"{told}(={said(self.suspended)})"

    def __eq__(self, other: object) -> bool:
        # What is written and read again is the same application, and has no secret.
        return isinstance(other, Application) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())
