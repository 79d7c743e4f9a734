"""The model as SimPy processes: docs/model.md once more, one process per message, to be read.

`simpy_model` runs it. It is written from the document alone and shares no rule with the engine
in `smssim.simulation`, only scenarios, marks and calendars: where the two disagree, one of them
is wrong, or the document.
"""

from __future__ import annotations

__all__ = []
