"""The model as SimPy processes: docs/model.md once more, one process per message, to be read.

Begin with `model`: the life of a message, and what happens to the account without one. Then
`judge` (what refuses it), `sending_queue` and `networks` (how it leaves and arrives), `callbacks`
and `callback_server` (its delivery reports); `packages`, `thresholds`, `console` and `account`
(what the account keeps); `onboarding`, `review_desk` and `group_tasks`.

`smssim.simulate(plan, kernel="simpy")` runs it, and `kernel=` also takes a subclass of `SimpyModel`
with rules of one's own (docs/how_to_change_the_model.md). It shares no rule with
`smssim.simulation`, which gives the same tables faster: `smssim verify` compares them.
"""

from __future__ import annotations

from smssim.simpy_model.callback_server import CallbackServer
from smssim.simpy_model.message import Message
from smssim.simpy_model.model import SimpyModel
from smssim.simpy_model.review_desk import ReviewDesk
from smssim.simpy_model.sending_queue import SendingQueue

__all__ = ["CallbackServer", "Message", "ReviewDesk", "SendingQueue", "SimpyModel"]
