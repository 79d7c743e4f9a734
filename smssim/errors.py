"""Errors whose text is all that a reader needs: notebooks show them as the command line does."""

from __future__ import annotations

__all__ = ["UserFacing"]


class UserFacing(Exception):
    """An error of what was given, not of the code; IPython shows its text without a traceback."""

    def _render_traceback_(self, *_: object) -> list[str]:
        """What IPython shows in place of the frames."""
        return [f"{type(self).__name__}: {self}"]
