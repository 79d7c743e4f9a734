"""What was checked as plain data, for programs: keys in a fixed order, no NaN, no infinity."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from smssim.checks.checked import NUMBERS, Checked, Undecided
from smssim.checks.counterexample import Story
from smssim.checks.verdict import Verdict
from smssim.simulation.simulate import provenance


def json_of(all_checked: Sequence[Checked], undecided: Undecided = "fail") -> str:
    """All files as one document of JSON, and whether all promises of all of them are kept."""
    ok = all(checked.ok(undecided) for checked in all_checked)
    files = [plain(checked) for checked in all_checked]
    return as_json({"ok": ok, "undecided_counts_as": undecided, "files": files})


def plain(checked: Checked) -> dict[str, Any]:
    """Everything of the table, the risks, where it comes from, and the stories."""
    made = provenance(checked.scenario, checked.experiment.rng, checked.policies)
    checking = checked.scenario.checking
    outcomes = [verdict.outcome for verdict in checked.verdicts]
    return {
        "file": checked.file,
        "scenario": checked.scenario.name,
        "digest": made["digest"],
        "rng": checked.experiment.rng,
        "days": checked.scenario.days,
        "policies": made["policies"],
        "versions": {**made["versions"], "python": made["python"]},
        "false_alarm": checking.false_alarm,
        "miss": checking.miss,
        "most_runs": checking.most_runs,
        "kept": outcomes.count("pass"),
        "broken": outcomes.count("fail"),
        "undecided": outcomes.count("undecided"),
        "promises": [plain_verdict(checked, verdict) for verdict in checked.verdicts],
    }


def plain_verdict(checked: Checked, verdict: Verdict) -> dict[str, Any]:
    """One verdict, with the story of a month if it is not kept and one breaks it."""
    check = verdict.check
    story = None if verdict.outcome == "pass" else checked.story(check.name)
    return {
        "name": check.name,
        "promise": str(check),
        "metric": check.metric_name,
        "where": check.where.given,
        "figure": check.figure,
        "statistic": check.kind,
        "unit": checked.unit(verdict),
        "below": check.below,
        "above": check.above,
        "margin": check.margin,
        "outcome": verdict.outcome,
        **{name: getattr(verdict, name) for name in NUMBERS},
        "broken": list(verdict.broken),
        "note": verdict.note,
        "story": None if story is None else _story(story),
    }


def as_json(data: Any) -> str:
    """Plain data as JSON in ASCII, ending with a new line; what is not finite is null."""
    return json.dumps(_finite(data), indent=2, allow_nan=False) + "\n"


def _story(story: Story) -> dict[str, Any]:
    return {
        "rng": story.rng,
        "replication": story.replication,
        "command": story.command,
        "figures": [dict(vars(own)) for own in story.figures],
        "happenings": [
            {"at": own.at.isoformat(), "event": own.event, "subject": own.subject}
            for own in story.happenings
        ],
    }


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
