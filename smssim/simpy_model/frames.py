"""The tables of a model's run as the frames and tallies of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.record.schema import TABLES, frame
from smssim.simpy_model.model import SimpyModel, Tables

if TYPE_CHECKING:
    import pandas as pd

    from smssim.record.tallies import Tallies
    from smssim.scenario import Scenario

__all__ = ["frames_of", "model_of", "tallies_of"]


def model_of(kernel: str | type[SimpyModel]) -> type[SimpyModel]:
    """The model that `simulate` is asked for: "simpy", or a subclass of `SimpyModel`.

    Raise a ValueError for any other text, a TypeError for what is no such class.
    """
    if kernel == "simpy":
        return SimpyModel
    if isinstance(kernel, str):
        raise ValueError(f"kernel(={kernel!r}) must be 'arrays', 'simpy' or a SimpyModel")
    if not (isinstance(kernel, type) and issubclass(kernel, SimpyModel)):
        raise TypeError(
            f"kernel(={kernel!r}) must be 'arrays', 'simpy' or a subclass of SimpyModel"
        )
    return kernel


def frames_of(tables: Tables) -> dict[str, pd.DataFrame]:
    """All tables as frames, by name."""
    return {name: frame(TABLES[name], rows) for name, rows in tables._asdict().items()}


def tallies_of(scenario: Scenario, frames: dict[str, pd.DataFrame]) -> Tallies:
    """The tallies of messages and reports."""
    from smssim.record.from_frames import tally_frames

    servers = [s.name for s in scenario.sources if getattr(s, "server_resend", None)]
    tasks = [task.name for task in scenario.tasks]
    begin, end = scenario.start_us, scenario.end_us
    return tally_frames(frames["messages"], frames["reports"], begin, end, servers, tasks)
