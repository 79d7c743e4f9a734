"""Simulating: a scenario in, a `Run` out."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from smssim.record.cells import Array
from smssim.record.counting import TallyBuilder
from smssim.record.record import Record
from smssim.record.storage import ParquetSink
from smssim.scenario import Scenario
from smssim.scenario.distributions import Number
from smssim.scenario.ranges import Range
from smssim.simulation.callbacks.batches import Batcher
from smssim.simulation.callbacks.push import Pusher, batched_applications
from smssim.simulation.loop import SimulationLoop, Tuning
from smssim.simulation.planned_policies import planned_policies
from smssim.simulation.policies.account_view import Policy
from smssim.simulation.restore import since
from smssim.simulation.tables import (
    Categories,
    FrameSink,
    TaskResults,
    message_columns,
    report_columns,
    small_frames,
    tallied_columns,
)
from smssim.stats.keyed_random import KeyedRandom

if TYPE_CHECKING:
    from smssim.simpy_model import SimpyModel

__all__ = ["Run", "provenance", "simulate"]


@dataclass(frozen=True, repr=False)
class Run(Record):
    """A simulated period; its `provenance` says how to make it again."""


class _Sink(Protocol):
    """Takes finished messages and their reports, chunk by chunk, as compact columns."""

    def add(self, messages: dict[str, Array], reports: dict[str, Array]) -> None:
        """Take one chunk; `reports["message"]` numbers its messages from 0."""


def simulate(
    scenario: Scenario | str | Path,
    *,
    rng: int | None = None,
    replication: int = 0,
    policies: Sequence[Policy] = (),
    rows: bool = True,
    out: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    tuning: Tuning | None = None,
    kernel: str | type[SimpyModel] = "arrays",
) -> Run:
    """Simulate a scenario, or the file of one, exactly.

    The same scenario, *rng* (the scenario's own, if None), *replication* and *policies* give the
    same bytes on every machine; replications of one *rng* are independent of each other. Without
    *rows* only tallies and the small tables are stored, in memory that does not grow with the
    messages; *out* is a directory that messages and reports are streamed to, either way, and that
    `smssim.load` reads. *progress* is called with (messages so far, microseconds simulated);
    *tuning* changes speed and memory, never a result. Raise a ScenarioError if the file cannot be
    read, a FileExistsError if *out* holds anything but a record.

    *kernel* says how: on arrays, or "simpy", message by message in SimPy, with the same tables in
    some hundred times as long; or a subclass of `smssim.simpy_model.SimpyModel` with rules of one's
    own, which the provenance then names (docs/how_to_change_the_model.md).

    The scenario's own policies are started before *policies*. A scenario with ranges is simulated
    with the numbers that this replication draws; the record's provenance has the scenario with
    these, and each range with its number under `ranges`.
    """
    scenario = Scenario.of(scenario)
    rng = scenario.rng if rng is None else rng
    for name, value in (("rng", rng), ("replication", replication)):
        if value < 0:
            raise ValueError(f"{name}(={value}) must be >= 0")
    ranges, drawn = scenario.ranges, scenario.draws(rng, replication)
    scenario = scenario.fixed(drawn)
    planned = planned_policies(scenario) if scenario.policies else ()
    header: dict[str, Any] = {
        "name": scenario.name,
        "observed_from": scenario.begin_us,
        "observed_until": scenario.end_us,
        "currency": scenario.currency,
        "provenance": {
            **provenance(scenario, rng, policies, replication),
            **({"ranges": _drawn(ranges, drawn)} if ranges else {}),
            **({"planned_policies": list(map(repr, planned))} if planned else {}),
        },
    }
    policies = (*planned, *policies)
    if kernel != "arrays":
        return _simulated_by_processes(kernel, header, scenario, policies, rows, out, progress)
    loop = SimulationLoop(scenario, KeyedRandom(rng, replication), policies, tuning)
    pusher, batched = Pusher(loop.compiled), batched_applications(scenario)
    stage = Batcher(loop.compiled, pusher, batched) if batched else pusher
    if isinstance(stage, Batcher) and scenario.opening is not None:
        stage.restore(scenario.opening)
    categories, results = Categories(loop.compiled), TaskResults(loop.compiled, loop.tasks)
    builder = TallyBuilder(
        categories.lists,
        scenario.begin_us,
        scenario.end_us,
        batched=bool(batched),
        tasks=[task.name for task in scenario.tasks],
    )
    frames = FrameSink(categories.lists, loop.expected_messages()) if rows else None
    with ParquetSink(out, categories.lists) if out is not None else nullcontext() as disk:
        sinks: list[_Sink] = [sink for sink in (builder, frames, disk) if sink is not None]
        columns = message_columns if len(sinks) > 1 else tallied_columns
        done = 0
        for chunk, pushed in stage.stream(loop.chunks()):
            if scenario.opening is not None:
                chunk, pushed = since(scenario.begin_us, chunk, pushed)
                if not len(chunk):
                    continue
            messages, reports = columns(categories, chunk), report_columns(pushed)
            results.add(chunk)
            for sink in sinks:
                sink.add(messages, reports)
            done += len(chunk)
            if progress is not None:
                progress(done, int(chunk.submitted_us[-1]) - scenario.begin_us)
        tables = frames.frames(len(loop.account.packages)) if frames is not None else {}
        task_rows = results.rows(scenario.end_us, loop.account.stopped)
        tables |= small_frames(loop.account, loop.timeline, task_rows)
        run = Run(**(header | tables), tallies=builder.tallies())
        if disk is not None:
            disk.finish(run)
    return run


def _simulated_by_processes(
    kernel: str | type[SimpyModel],
    header: dict[str, Any],
    scenario: Scenario,
    policies: Sequence[Policy],
    rows: bool,
    out: str | Path | None,
    progress: Callable[[int, int], None] | None,
) -> Run:
    """The run of a SimPy model, which the provenance names."""
    # Who simulates on arrays does not wait for the model to be read.
    from smssim.record.storage import save
    from smssim.simpy_model.frames import frames_of, model_of, tallies_of

    if scenario.opening is not None or any(p.in_force is not None for p in scenario.packages):
        raise ValueError("opening, packages in force: the SimPy model begins with a new account")
    model, about = model_of(kernel), header["provenance"]
    about["kernel"] = "simpy" if kernel == "simpy" else f"{model.__module__}.{model.__qualname__}"
    marks = KeyedRandom(about["rng"], about["replication"])
    frames = frames_of(model(scenario, marks).run(policies, progress))
    run = Run(**(header | frames), tallies=tallies_of(scenario, frames))
    if out is not None:
        save(run, out)
    return run if rows else replace(run, messages=None, reports=None)


def provenance(
    scenario: Scenario, rng: int, policies: Sequence[Policy], replication: int = 0
) -> dict[str, Any]:
    """What it takes to make a run again."""
    packages = ("smssim", "numpy", "pandas", "simpy", "holidays", "phonenumbers")
    return {
        "scenario": scenario.to_json(),
        "digest": scenario.digest(),
        "rng": rng,
        "replication": replication,
        "policies": [getattr(policy, "__qualname__", repr(policy)) for policy in policies],
        "versions": {name: _version(name) for name in packages},
        "python": sys.version.split()[0],
        "machine": platform.machine(),
    }


def _drawn(ranges: Sequence[Range], drawn: Mapping[str, Number]) -> dict[str, Any]:
    """Each range by its path, as a scenario file has it, with the number drawn."""
    return {one.path: {**one.data, "drawn": drawn[one.path]} for one in ranges}


@lru_cache(maxsize=32)
def _version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:
        return "not installed"
