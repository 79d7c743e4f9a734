"""Models of one's own: a priority queue, slow reviewers, a callback server that sheds load."""

from __future__ import annotations

from typing import Any

import simpy

from smssim.simpy_model import CallbackServer, Message, ReviewDesk, SendingQueue, SimpyModel


class PasswordsFirstQueue(SendingQueue):
    """Passwords leave before notifications that wait."""

    resource = simpy.PriorityResource

    def request(self, message: Message) -> Any:
        return self.slot.request(priority=0 if message.template.type == "otp" else 1)


class PasswordsFirst(SimpyModel):
    sending_queue = PasswordsFirstQueue


class SlowReviewers(ReviewDesk):
    """Reviews take twice as long."""

    def handling_us(self, submission: Any) -> int:
        return 2 * super().handling_us(submission)


class SlowReview(SimpyModel):
    review_desk = SlowReviewers


class BusyServer(CallbackServer):
    """So many workers take 10 seconds each; a push that finds none free gets no answer."""

    workers = 3

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.free = simpy.Resource(self.env, self.workers)

    def accepts(self, push: Any) -> bool:
        if self.free.count == self.free.capacity:
            return False
        self.env.process(self.work(self.free.request()))
        return super().accepts(push)

    def work(self, worker: Any) -> Any:
        yield self.env.timeout(10_000_000)
        self.free.release(worker)


class SheddingModel(SimpyModel):
    callback_server = BusyServer
