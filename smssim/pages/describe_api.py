"""A study described: what was simulated, from what, and how sure its figures are."""

from __future__ import annotations

from smssim.pages.describe import describe

__all__ = ["describe"]
