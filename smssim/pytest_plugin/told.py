"""What is said of a verdict that a test found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smssim.checks import Checked, Verdict
from smssim.model.policies import Policy
from smssim.run import simulate

_SHOWN = 12
_STORY = ("run_out", "suspended", "resumed", "alarm", "limit", "recovered", "frozen", "thawed")


def is_fine(verdict: Verdict, undecided: str) -> bool:
    """Whether a test of the promise passes."""
    return verdict.outcome == "pass" or (verdict.outcome, undecided) == ("undecided", "pass")


def told(checked: Checked, verdict: Verdict, policies: Sequence[Policy] = ()) -> str:
    """A verdict in a few lines, with the story of the first month that breaks the promise."""
    return "\n".join([*_verdict(checked, verdict), *_story(checked, verdict, policies)])


def _verdict(checked: Checked, verdict: Verdict) -> Iterator[str]:
    outcome = {"pass": "kept", "fail": "broken"}.get(verdict.outcome, "undecided")
    unit = checked.unit(verdict)
    beyond = f"{abs(verdict.by):.4g} {'beyond' if verdict.by >= 0 else 'within'} the bound"
    yield f"{verdict.check.name}: {verdict.check} is {outcome}: {verdict.estimate:.4g}, {beyond}"
    yield f"  certainly from {verdict.low:.4g} to {verdict.high:.4g} ({unit}), {verdict.runs} runs"
    share = f"{verdict.share:.1%} (95 %: {verdict.share_low:.1%} to {verdict.share_high:.1%})"
    yield f"  months that break it by themselves: {len(verdict.broken)}, {share}"
    if verdict.note:
        yield f"  {verdict.note}"


def _story(checked: Checked, verdict: Verdict, policies: Sequence[Policy]) -> Iterator[str]:
    if verdict.outcome == "pass" or not verdict.broken:
        return
    replication, rng = verdict.broken[0], checked.scenario.rng
    run = simulate(checked.scenario, replication=replication, policies=policies, rows=False)
    yield f"one such month: replication {replication} of rng {rng}"
    assert run.events is not None
    events = run.events[run.events["event"].isin(_STORY)].head(_SHOWN)
    for at, event, subject in zip(events["at"], events["event"], events["subject"], strict=True):
        yield f"  {at:%Y-%m-%d %H:%M:%S} {event} {subject}".rstrip()
