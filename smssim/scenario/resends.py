"""Messages that are sent again: by users who wait in vain, by servers that learn of a failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from smssim.scenario.delays import Delay
from smssim.scenario.errors.problems import Found
from smssim.scenario.fields import Int, Part
from smssim.scenario.network import Status


class Resend(Part):
    """Users who ask for the password again when it is late."""

    patience: Delay = Delay(fixed_s=60)
    """Assumption: how long a user waits before asking again, in seconds; a minute."""
    at_most: Annotated[Int, Field(ge=1, le=7)] = 2
    """Assumption: copies after the first, at most 7."""


class ServerResend(Part):
    """The customer's server sends again what failed, by code: the seed's "rectify and resend"."""

    statuses: tuple[Status, ...] = Field(min_length=1)
    """What is sent again: codes of the answer (E200015) and statuses of reports (UNDELIV)."""
    after: Delay = Delay(fixed_s=60)
    """Assumption: from learning of the failure to sending again, in seconds; a minute."""
    at_most: Annotated[Int, Field(ge=1, le=7)] = 1
    """Assumption: copies after the first, at most 7."""

    def broken(self) -> Iterator[Found]:
        """What was delivered is not sent again, nor what has no status."""
        for i, status in enumerate(self.statuses):
            if status == "DELIVRD":
                told = "DELIVRD must not be sent again: statuses are those of failures"
                yield ("statuses", i), told
            elif status == "none":
                yield ("statuses", i), "a message without a report ends as EXPIRED: name that"
            elif status in self.statuses[:i]:
                yield ("statuses", i), f"the status {status!r} stands twice"


def two_resends(users: Resend | None, server: ServerResend | None) -> Iterator[Found]:
    """Users of a source ask again, or its server sends again: one of the two."""
    if users is not None and server is not None:
        told = "give resend (users) or server_resend, one of the two, not both; or two sources"
        yield ("server_resend",), told
