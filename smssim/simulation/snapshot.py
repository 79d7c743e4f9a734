"""The account's present rules by class of message, as look-up tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account
from smssim.simulation.compiled import EXPIRED, TEMPLATE, UNJUDGED, CompiledScenario
from smssim.simulation.rules.rule import CountingRule
from smssim.simulation.window import MessageBatch

__all__ = ["OPEN", "RuleSnapshot", "as_reported", "never_delivered", "snapshot"]

OPEN = UNJUDGED
"""In `RuleSnapshot.refusal`: not refused at stage 1 or by the template."""


@dataclass(frozen=True)
class RuleSnapshot:
    """How messages are judged until the account changes; arrays by class, None where nothing is
    refused so.
    """

    refusal: NDArray[np.uint8] | None
    platform: NDArray[np.uint8] | None
    """Refused after acceptance by settings of the console."""
    unregistered: NDArray[np.uint8] | None
    """What is reported instead of the sampled outcome, OPEN for nothing."""
    suspended: NDArray[np.bool_] | None
    """Refused for want of quota, or because the service mode does not reach the country."""
    counting: tuple[NDArray[np.int64] | None, ...]
    """The settings of each counting rule, None for one that limits nothing."""
    package: NDArray[np.int16] | None
    """The package that gives, -1 for none; None if there is no package at all."""


def snapshot(
    compiled: CompiledScenario, account: Account, counting: Sequence[CountingRule]
) -> RuleSnapshot:
    """The account's rules as they are now."""
    refusal = np.full(len(compiled.message_classes), OPEN, np.uint8)
    if any(rule.active for rule in account.request_rules):
        refusal = _refusal_codes(compiled, map(account.refuse_request, compiled.message_classes), 1)
    unusable = np.array([name not in account.usable for name in compiled.templates])[
        compiled.template
    ]
    refusal[unusable & (refusal == OPEN)] = TEMPLATE
    platform = None
    if any(rule.active for rule in account.number_rules):
        platform = _refusal_codes(compiled, map(account.refuse_number, compiled.message_classes), 3)
    suspends = account.mode == "suspend"
    suspended = np.array(
        [suspends and (account.suspended(c) or not account.reaches(c)) for c in compiled.countries]
    )[compiled.country]
    giving = [quota.giving for quota in account.countries.values()]
    package = np.array([g.id if g else -1 for g in giving], np.int16)[compiled.country]
    return RuleSnapshot(
        refusal if (refusal != OPEN).any() else None,
        platform if platform is not None and (platform != OPEN).any() else None,
        _unregistered(compiled, account) if account.unregistered else None,
        suspended if suspended.any() else None,
        tuple(rule.limits() for rule in counting),
        package if any(giving) else None,
    )


def _refusal_codes(
    compiled: CompiledScenario, codes: Iterable[str | None], stage: int
) -> NDArray[np.uint8]:
    """The outcome of each class by the code that refuses it, OPEN where none does."""
    numbers = [OPEN if code is None else compiled.outcomes.of_code(code, stage) for code in codes]
    return np.array(numbers, np.uint8)


def _unregistered(compiled: CompiledScenario, account: Account) -> NDArray[np.uint8]:
    statuses = (
        account.reported_instead(message_class) for message_class in compiled.message_classes
    )
    return np.array(
        [OPEN if s is None else compiled.outcomes.number(s) for s in statuses], np.uint8
    )


def never_delivered(rules: RuleSnapshot) -> NDArray[np.bool_] | None:
    """The classes of which nothing is delivered under these rules, None if there are none."""
    refusals = (rules.refusal, rules.platform, rules.unregistered)
    vain = [of_class != OPEN for of_class in refusals if of_class is not None]
    if rules.suspended is not None:
        vain.append(rules.suspended)
    return np.logical_or.reduce(vain) if vain else None


def as_reported(
    compiled: CompiledScenario, batch: MessageBatch, rules: RuleSnapshot
) -> MessageBatch:
    """The copies with what is reported of those to countries that are not registered."""
    if rules.unregistered is None:
        return batch
    status = rules.unregistered.take(batch.cls)
    keep = (status == OPEN) | (batch.sampled_outcome == EXPIRED)
    keep |= compiled.outcomes.sampled_stage.take(batch.sampled_outcome) > 0
    return replace(batch, sampled_outcome=np.where(keep, batch.sampled_outcome, status))
