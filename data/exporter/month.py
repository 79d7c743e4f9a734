"""The month as the console knows it: a line a segment, and what was known when it was exported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from exporter.line import Line
from smssim.logs.captures.wire import number_prefix
from smssim.record.record import Record
from smssim.record.schema import REFUSED_AT

# The documents' samples share the part before the "_" between requests (DOMAIN.md section 6).
NODES = (
    "4b4b34e7-1a9e-42ac-b309-d10997148905",
    "b9d9b4fe-78b0-4c53-a0b4-1f4a5a8b2a77",
)
FIRST_ID = 85_496_076
SPREAD = 6_180_339  # odd and no multiple of 5: it permutes the numbers below a power of ten
WITHIN_S = 180
COLUMNS = ("application", "template", "type", "country", "segments", "refused_at", "status")


def seconds(year_to_second: str) -> int:
    """Seconds since 1970 of an ISO time in UTC."""
    return int(datetime.fromisoformat(year_to_second).replace(tzinfo=UTC).timestamp())


def month_lines(run: Record, prices: dict[str, int]) -> list[Line]:
    """All segments that were accepted, by time; those refused in the answer are not listed."""
    assert run.messages is not None
    frame = run.messages
    submitted, final = (_seconds(frame[name]) for name in ("submitted_at", "final_at"))
    source = frame["report_source"].astype("object").fillna(0).astype("int64").tolist()
    covered = frame["covered_segments"].tolist()
    lines = []
    for i, row in enumerate(
        frame[list(COLUMNS)].astype("object").itertuples(index=False, name=None)
    ):
        said: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
        said["place"] = REFUSED_AT.index(said.pop("refused_at"))
        if said["place"] not in (0, 3):
            continue
        ended = final[i] > 0
        said |= {
            "id": f"{NODES[i * 7 // 3 % 2]}_{FIRST_ID + i}",
            "number": f"{number_prefix(said['country'])}{i * SPREAD % 10**7:07d}",
            "submitted": submitted[i],
            "final": final[i] if ended else None,
            "status": said["status"] if ended else None,
            "source": source[i] if ended else None,
            "charged": said["place"] == 0,
            "currency": "USD",
        }
        said["result"] = result_of(said)
        for part in range(1, said["segments"] + 1):
            own = prices[said["country"]] if said["charged"] and part > covered[i] else 0
            lines.append(Line(said | {"part": part, "cost": own}))
    return lines


def result_of(said: dict[str, Any]) -> int:
    """The sending result: success or failure, within 3 minutes or later, or none yet."""
    if said["status"] is None:
        return 2
    late = said["final"] - said["submitted"] > WITHIN_S
    return (3 if late else 0) if said["status"] == "DELIVRD" else (4 if late else 1)


def as_known_at(line: Line, instant: int) -> Line:
    """The line as it was exported at *instant*: a status that came later is not there yet."""
    known = line.copy()
    if known.said["final"] is not None and known.said["final"] >= instant:
        known.said |= dict.fromkeys(("final", "status", "source"))
        known.said |= {"result": 2, "charged": True, "place": 0}
    return known


def window(lines: list[Line], first: int, until: int, exported: int) -> Iterator[Line]:
    """The lines submitted in a window, as known when they were exported."""
    for line in lines:
        if first <= line.said["submitted"] < until:
            yield as_known_at(line, exported)


def _seconds(column: Any) -> list[int]:
    micro = column.dt.tz_convert(None).to_numpy("datetime64[us]").view(np.int64)
    return [int(moment // 10**6) for moment in micro]
