"""The first-in first-out queue that accepted messages leave through."""

from __future__ import annotations

LONG_AGO = -(1 << 62)


class SendingQueue:
    """A server that lets one message go every *gap_us*; with a *capacity* it refuses when that many
    wait.
    """

    def __init__(self, gap_us: int, capacity: int | None) -> None:
        self.gap_us = gap_us
        self.longest_wait_us = None if capacity is None else capacity * gap_us
        self.free_us = LONG_AGO
        """When the next message can go."""

    def full(self, now_us: int) -> bool:
        """Whether a message would be refused now."""
        return self.longest_wait_us is not None and self.free_us - now_us > self.longest_wait_us

    def take(self, now_us: int) -> int:
        """Let a message in; return when it goes."""
        sent_us = max(now_us, self.free_us)
        self.free_us = sent_us + self.gap_us
        return sent_us
