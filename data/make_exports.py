"""Write exports/: the exports of a simulated month in every form, dirty, and what is true of them.

The same script writes the same files: `python data/make_exports.py [folder]`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from exporter import captured, details, dirt, european, joined, typed
from exporter.line import Line
from exporter.money import figures
from exporter.month import month_lines
from exporter.truth import Truth

from smssim import simulate
from smssim.record.record import Record
from smssim.scenario import Scenario, micro

HERE = Path(__file__).parent
SCENARIO = HERE / "exports/month.yaml"
WEEK_DAYS = 7

# The fields that a form's columns hold besides those that all have.
FIELDS: dict[str, tuple[str, ...]] = {
    "console": (),
    "chinese": ("final", "segments"),
    "workbook": ("final", "segments"),
    "json_lines": ("final", "segments", "part"),
    "parquet": ("final", "segments", "part"),
    "european": ("final", "segments", "cost"),
    "western": ("final", "segments", "cost"),
    "joined": ("final", "segments"),
    "capture": ("final", "segments"),
}


def main(folder: Path) -> None:
    """Simulate, write every form and the truth."""
    scenario = Scenario.load(SCENARIO)
    prices = {country: micro(route.price) for country, route in scenario.routes.items()}
    month = simulate(scenario)
    week = simulate(scenario.change(days=WEEK_DAYS, group_tasks=[]))
    whole, first = month_lines(month, prices), month_lines(week, prices)
    kinds = (*dirt.ANY_FORM, *details.TIMED)
    dirty = dirt.soiled(first, kinds, "week")
    written: dict[str, tuple[list[Line], Record]] = {
        "console": (details.console(folder, whole), month),
        "chinese": (details.chinese(folder, whole), month),
        "workbook": (typed.workbook(folder, dirty), week),
        "json_lines": (typed.json_lines(folder, dirty), week),
        "parquet": (typed.parquet(folder, dirty), week),
        "european": (european.european(folder, dirty), week),
        "western": (european.western(folder, dirty), week),
        "joined": (joined.sends_and_reports(folder, month_lines(week, prices)), week),
        "capture": (captured.capture(folder, week), week),
    }
    truths = {
        form: told(lines, run, prices, FIELDS[form]) for form, (lines, run) in written.items()
    }
    text = json.dumps(truths, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "truth.json").write_text(_compact(text) + "\n", encoding="utf-8")
    price_list = "".join(f"{iso2},{price / 1e6:.4f},USD\n" for iso2, price in prices.items())
    (folder / "prices.csv").write_text(f"country,price,currency\n{price_list}", encoding="utf-8")


def told(
    lines: list[Line], run: Record, prices: dict[str, int], fields: tuple[str, ...]
) -> dict[str, Any]:
    """The truth of one form as plain data."""
    for line in lines:
        line.said["columns"] = fields
    truth = Truth(lines)
    refused = [line for line in truth.lines if line.reasons]
    statuses = Counter(str(message["status"]) for message in truth.messages)
    return {
        "counts": truth.counts(),
        "quarantined_by_reason": dict(
            sorted(Counter(reason for line in refused for reason in line.reasons).items())
        ),
        "quarantine": sorted([line.file, line.row, *line.reasons] for line in refused),
        "countries": figures(truth, run, prices),
        "statuses": dict(sorted(statuses.items())),
        "messages": len(truth.messages),
    }


def _compact(text: str) -> str:
    """A row of the quarantine in a line of its own, where json would give it five."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("    ") and lines and not lines[-1].endswith("],"):
            lines[-1] += line.strip() + " " * line.endswith(",")
        elif line.startswith("   ]") and lines:
            lines[-1] += line.strip()
        else:
            lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "exports")
