"""Where tasks are run: in this process, or by any executor of `concurrent.futures`.

Results come in the order in which they are done; each names its task.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait as wait_for
from types import FrameType

from smssim.experiment.worker import Job, Result, Task, run_job
from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy

__all__ = ["Pool", "new_executor", "packed"]

_JOB_S = 0.5
"""Seconds that a job should take: long against sending it, short against a person's patience."""
_MOST_TASKS = 256
_NO_START = (
    "no worker process starts; in a script, what runs months must stand under "
    '`if __name__ == "__main__":`, for each worker imports the script anew (or give workers=1)'
)


class Pool:
    """Runs the tasks of scenarios with policies, and ends the workers it started when closed.

    *executor* is the caller's and stays open; without one, *workers* processes are started when
    first needed (as many as there are cores if None), and with *workers* 1 none. Processes are
    forked from a clean server where there is one (POSIX), else spawned: they import the script that
    starts them, and a RuntimeError says so where that keeps them from starting.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        rng: int,
        *,
        executor: Executor | None = None,
        workers: int | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers(={workers}) must be >= 1")
        self._policies, self.rng = packed(policies), rng
        self._executor_of_caller = executor
        self._started: Executor | None = None
        self._workers = workers or len(os.sched_getaffinity(0))
        self._seconds = 0.0

    def results(self, tasks: Sequence[Task], scenarios: Mapping[int, Scenario]) -> Iterator[Result]:
        """Run *tasks*, each a replication of the scenario of its design."""
        pickled = {
            design: pickle.dumps(scenarios[design]) for design in {task.design for task in tasks}
        }
        if self._executor_of_caller is None and self._workers == 1:
            for task in tasks:
                yield from run_job(self._job([task], pickled))
            return
        yield from self._elsewhere(deque(tasks), pickled)

    def _elsewhere(self, waiting: deque[Task], scenarios: Mapping[int, bytes]) -> Iterator[Result]:
        running: dict[Future[list[Result]], list[Task]] = {}
        given_up: list[Task] = []
        try:
            while waiting or running:
                try:
                    self._submit(waiting, running, scenarios)
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        yield from self._taken(future, running[future], given_up)
                        del running[future]
                except BrokenExecutor as broken:
                    suspects = [task for tasks in running.values() for task in tasks]
                    running.clear()
                    if self._executor_of_caller is not None:
                        yield from _failed([*suspects, *waiting], broken)
                        return
                    self._check_start()
                    yield from self._alone(suspects, scenarios)
            yield from self._alone(given_up, scenarios)
        finally:
            for future in running:
                future.cancel()

    def _check_start(self) -> None:
        """Raise a RuntimeError if workers die that have nothing to do: then no run is to blame."""
        self.close()
        if self._seconds:
            return  # runs came back, so workers start
        try:
            with _deferred_interrupts():
                future = self._executor().submit(_nothing)
            future.result()
        except BrokenExecutor as broken:
            self.close()
            raise RuntimeError(_NO_START) from broken

    def _alone(self, suspects: list[Task], scenarios: Mapping[int, bytes]) -> Iterator[Result]:
        """Run what was running when workers died, one by one: so only the cause of it fails."""
        if suspects:
            self.close()
        for task in suspects:
            try:
                with _deferred_interrupts():
                    future = self._executor().submit(run_job, self._job([task], scenarios))
                yield from future.result()
            except Exception as error:
                self.close()
                yield from _failed([task], error)

    def _taken(
        self, future: Future[list[Result]], tasks: list[Task], given_up: list[Task]
    ) -> Iterator[Result]:
        try:
            results = future.result()
        except BrokenExecutor:
            raise
        except Exception:
            # The executor's own failure, such as a cluster that lost workers too often: whether
            # by this job or by one next to it shows only when each runs alone.
            given_up += tasks
            return
        self._learn(results)
        yield from results

    def _submit(
        self,
        waiting: deque[Task],
        running: dict[Future[list[Result]], list[Task]],
        scenarios: Mapping[int, bytes],
    ) -> None:
        """Keep every worker busy, and one job more waiting for each."""
        while waiting and len(running) < 2 * self._workers:
            size = self._size(len(waiting))
            tasks = [waiting.popleft() for _ in range(size)]
            try:
                with _deferred_interrupts():
                    future = self._executor().submit(run_job, self._job(tasks, scenarios))
                running[future] = tasks
            except BrokenExecutor:
                waiting.extendleft(reversed(tasks))
                raise

    def _size(self, waiting: int) -> int:
        """Tasks of the next job: half a second's, but no worker shall be idle at the end."""
        if not self._seconds:
            return 1
        fair = -(-waiting // (2 * self._workers))
        return max(1, min(int(_JOB_S / self._seconds), fair, _MOST_TASKS))

    def _learn(self, results: list[Result]) -> None:
        mean = sum(result.seconds for result in results) / max(1, len(results))
        self._seconds = max(mean, 1e-4)

    def _job(self, tasks: list[Task], scenarios: Mapping[int, bytes]) -> Job:
        needed = {task.design: scenarios[task.design] for task in tasks}
        return Job(tasks, needed, self._policies, self.rng)

    def _executor(self) -> Executor:
        if self._executor_of_caller is not None:
            return self._executor_of_caller
        if self._started is None:
            self._started = new_executor(self._workers)
        return self._started

    def close(self) -> None:
        """End the workers that were started."""
        if self._started is not None:
            self._started.shutdown(wait=True, cancel_futures=True)
            self._started = None


def new_executor(workers: int) -> ProcessPoolExecutor:
    """Processes that start clean: nothing of this one's threads and locks is copied."""
    methods = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in methods else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        # The server outlives an experiment: what it has imported, no later worker waits for.
        context.set_forkserver_preload(["__main__", "pandas", "smssim.experiment.worker"])
    return ProcessPoolExecutor(workers, context, _prepare)


@contextmanager
def _deferred_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait until processes have started.

    They inherit that they do not notice it, and end with the pool instead of each with a traceback.
    """
    pending: list[tuple[int, FrameType | None]] = []
    handler = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and callable(handler):
        # Whichever thread of the process is signalled, Python handles it in the main one.
        signal.signal(signal.SIGINT, lambda *call: pending.append(call))
    if hasattr(signal, "pthread_sigmask"):
        # Started earlier, as it would let signals through again.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if in_main and callable(handler):
            signal.signal(signal.SIGINT, handler)
            for call in pending[:1]:
                handler(*call)


def _failed(tasks: Iterable[Task], error: Exception) -> Iterator[Result]:
    for task in tasks:
        yield Result(task, {}, f"{type(error).__name__}: {error}", 0.0)


def packed(policies: Sequence[Policy]) -> bytes:
    """Policies as bytes that any worker understands. Raise a ValueError for one that cannot go."""
    if not policies:
        return b""
    import cloudpickle  # type: ignore[import-untyped]

    try:
        data: bytes = cloudpickle.dumps(tuple(policies))
    except Exception as error:
        raise ValueError(f"policies(={list(policies)!r}) must be picklable: {error}") from error
    return data


def _nothing() -> None:
    """What a worker can do that starts at all."""


def _prepare() -> None:
    """Import what a worker's first run would wait for; let the worker end with its parent."""
    import smssim.report.kpis
    import smssim.simulation.simulate  # noqa: F401

    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot tell its workers to stop, and they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
