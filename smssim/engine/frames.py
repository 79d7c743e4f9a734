"""From finished rows to the tables of `smssim.tables`: compact columns first, frames once at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.engine.marker import NEVER
from smssim.engine.push import Reports
from smssim.engine.rows import Rows
from smssim.engine.world import World
from smssim.tables import MESSAGES, REPORT_STATES, REPORTS

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]
NAT = np.iinfo(np.int64).min


class Categories:
    """Which categories each coded column has, and how classes and fates are turned into their codes."""

    def __init__(self, world: World) -> None:
        scenario, fates = world.scenario, world.fates
        templates = [scenario.template(source.template) for source in world.sources]
        self.lists: dict[str, list[Any]] = {
            "source": [source.name for source in world.sources],
            "application": sorted(application.name for application in scenario.applications),
            "template": sorted(world.templates),
            "type": ["notification", "otp"],
            "country": world.countries,
            "status": sorted(set(fates.status)),
            "report_source": [1, 2, 3],
            "state": list(REPORT_STATES),
        }
        own = {
            "source": [source.name for source in world.sources],
            "application": [template.application for template in templates],
            "template": [template.name for template in templates],
            "type": [template.type for template in templates],
        }
        self.by_class = {
            column: _small([self.lists[column].index(names[i]) for i, _ in world.pairs])
            for column, names in own.items()
        }
        self.by_class["country"] = _small(world.country.tolist())
        self.lists["group"] = list(
            zip(
                *(self.by_class[name].tolist() for name in ("country", "application", "template", "type")),
                strict=True,
            )
        )
        self.status = _small([self.lists["status"].index(status) for status in fates.status])
        self.report_source = (fates.source - 1).astype(np.int8)


def _small(codes: list[int]) -> Array:
    return np.array(codes, np.int8 if max(codes, default=0) < 127 else np.int16)


def _time(us: Array) -> Array:
    known = us.copy()
    np.copyto(known, NAT, where=us == NEVER)
    return known


def message_columns(categories: Categories, rows: Rows) -> dict[str, Array]:
    """The compact columns of messages: category codes (-1 is NA), times with NaT as integers."""
    status = categories.status.take(rows.fate)
    status[rows.in_flight] = -1
    source = categories.report_source.take(rows.fate)
    source[rows.in_flight] = -1
    columns: dict[str, Array] = {
        name: codes.take(rows.cls) for name, codes in categories.by_class.items()
    }
    return columns | {
        "group": rows.cls,
        "submitted_at": rows.submitted_us,
        "request": rows.request,
        "recipient": rows.recipient,
        "generation": rows.generation,
        "segments": rows.segments.astype(np.int8),
        "place": rows.place,
        "status": status,
        "report_source": source,
        "sent_at": _time(rows.sent_us),
        "final_at": _time(rows.final_us),
        "covered_segments": rows.covered.astype(np.int8),
        "package": rows.package,
        "cost_micro": rows.cost_micro.astype(np.int32),
    }


def report_columns(reports: Reports) -> dict[str, Array]:
    """The compact columns of reports; messages are numbered within their chunk."""
    return {
        "message": reports.message,
        "part": reports.part,
        "state": reports.state,
        "attempts": reports.attempts,
        "copies": reports.copies,
        "received_at": _time(reports.received_us),
    }


class FrameSink:
    """Keeps all rows of a run and makes frames of them, a column at a time."""

    def __init__(self, lists: dict[str, list[Any]]) -> None:
        self._lists = lists
        self._messages: list[dict[str, Array]] = []
        self._reports: list[dict[str, Array]] = []
        self._n = 0

    def add(self, messages: dict[str, Array], reports: dict[str, Array]) -> None:
        """Keep one chunk."""
        numbered = (reports["message"] + self._n).astype(np.int32)
        self._messages.append(dict(messages))
        self._reports.append({**reports, "message": numbered})
        self._n += len(messages["submitted_at"])

    def frames(self, packages: int) -> dict[str, pd.DataFrame]:
        """Messages and reports; *packages* is how many there are to name."""
        lists = self._lists | {"package": list(range(packages))}
        return {
            "messages": _frame(self._messages, lists, [column.name for column in MESSAGES]),
            "reports": _frame(self._reports, lists, [column.name for column in REPORTS]),
        }


def _frame(chunks: list[dict[str, Array]], lists: dict[str, list[Any]], order: list[str]) -> pd.DataFrame:
    import pandas as pd

    columns = {}
    for name in order:
        parts = [chunk.pop(name) for chunk in chunks]
        whole = np.concatenate(parts) if parts else np.empty(0, np.int64)
        del parts
        columns[name] = decoder(name, lists)(whole)
    return pd.DataFrame(columns, copy=False)


def decoder(name: str, lists: dict[str, list[Any]]) -> Callable[[Array], Any]:
    """How a compact column becomes one of a frame."""
    import pandas as pd

    if name in lists:
        return lambda codes: pd.Categorical.from_codes(codes, categories=lists[name])
    if name.endswith("_at"):
        return lambda us: pd.Series(us.view("datetime64[us]"), copy=False).dt.tz_localize("UTC")
    return lambda values: values
