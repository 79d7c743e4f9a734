"""Aalen and Johansen by loops over single messages, and intervals by numerical derivatives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from scipy import stats

from smssim.stats.delay_bins import edges_us, middle_us

DELIVERED, OTHER, LOST, PENDING = "DOLP"
"""How a message ended; a pending one has not."""
Message = tuple[int, str]
"""The bin of a message's delay, or of its age, and its end."""
Hazards = dict[int, dict[str, float]]
Figure = Callable[[Hazards], float]
NAN = math.nan
Z = float(stats.norm.isf(0.025))
_STEP = 1e-5


def score(share: float, n: float) -> tuple[float, float, float]:
    """Wilson's interval, from the roots of its quadratic equation, longer for few events."""
    a, b, c = n + Z**2, -(2 * n * share + Z**2), n * share**2
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    low, high = (-b - root) / (2 * a), (-b + root) / (2 * a)
    # One to three events have the mean at which as many are not rarer than 5 %.
    if 0 < share * n <= 3 + 1e-9:
        low = min(low, float(stats.gamma.ppf(0.05, share * n)) / n)
    if 0 < (1 - share) * n <= 3 + 1e-9:
        high = max(high, 1 - float(stats.gamma.ppf(0.05, (1 - share) * n)) / n)
    return share, low, high


def at_risk(messages: list[Message]) -> dict[int, int]:
    """Messages that had not ended before each bin in which one does."""
    counts, left, found = Counter(messages), len(messages), {}
    for bin_ in sorted({bin_ for bin_, _ in counts}):
        here = {end: counts[bin_, end] for end in (DELIVERED, OTHER, LOST, PENDING)}
        if sum(here.values()) > here[PENDING]:
            found[bin_] = left
        left -= sum(here.values())
    return found


def hazards(messages: list[Message]) -> Hazards:
    """The share of those at risk that end in each bin, by end."""
    ends, risk = Counter(messages), at_risk(messages)
    return {
        bin_: {end: ends[bin_, end] / n for end in (DELIVERED, OTHER, LOST)}
        for bin_, n in sorted(risk.items())
    }


def incidence(own: Hazards, end: str, before: float = math.inf) -> float:
    """The share of all that ended so before a bin."""
    staying, total = 1.0, 0.0
    for bin_, by_end in own.items():
        if bin_ >= before:
            break
        total += staying * by_end[end]
        staying *= 1 - sum(by_end.values())
    return total


def staying(own: Hazards, through: float = math.inf) -> float:
    """The share of all that has not ended by the end of a bin."""
    left = 1.0
    for bin_, by_end in own.items():
        left *= 1 - sum(by_end.values()) if bin_ <= through else 1
    return left


def worth(messages: list[Message], figure: Figure) -> float:
    """How many independent messages a share between 0 and 1 is worth: by its variance, which the
    numbers of ends among those at risk, multinomial, and derivatives by their shares give.
    """
    own, variance = hazards(messages), 0.0
    for bin_, n in at_risk(messages).items():
        slopes = {}
        for end, h in own[bin_].items():
            turned = [figure(own | {bin_: own[bin_] | {end: h + step}}) for step in (-_STEP, _STEP)]
            slopes[end] = (turned[1] - turned[0]) / (2 * _STEP)
        mean = sum(slopes[end] * h for end, h in own[bin_].items())
        variance += sum((slopes[end] - mean) ** 2 * h for end, h in own[bin_].items()) / n
        rest = 1 - sum(own[bin_].values())
        variance += mean**2 * rest / n
    value = figure(own)
    return value * (1 - value) / variance


def of_ends(own: Hazards) -> float:
    """The share of deliveries among ends that are known."""
    delivered = incidence(own, DELIVERED)
    return delivered / (delivered + incidence(own, OTHER))


def with_tail(messages: list[Message], end: str) -> list[Message]:
    """The messages, those that are pending in the last bin ending so."""
    last = _last(messages)
    return [(bin_, end if (bin_, own) == (last, PENDING) else own) for bin_, own in messages]


def _last(messages: list[Message]) -> int:
    return max(bin_ for bin_, _ in messages)


def share(messages: list[Message]) -> tuple[float, float, float]:
    """The share delivered, and its interval."""
    ends = Counter(end for _, end in messages)
    if not ends[DELIVERED] + ends[OTHER]:
        return NAN, NAN, NAN
    if _open(messages):
        worst, best = (share(with_tail(messages, end)) for end in (OTHER, DELIVERED))
        return worst[0], worst[1], best[2]
    if not ends[DELIVERED] or not ends[OTHER]:
        return score(float(ends[DELIVERED] > 0), ends[DELIVERED] + ends[OTHER])
    return score(of_ends(hazards(messages)), worth(messages, of_ends))


def _open(messages: list[Message]) -> bool:
    return staying(hazards(messages)) > 1e-11


def share_before(messages: list[Message], limit: int) -> tuple[float, float, float]:
    """The share of deliveries made before a bin, and its interval."""
    if not any(end == DELIVERED for _, end in messages):
        return NAN, NAN, NAN
    value, low, high = _before(messages, limit)
    if _open(messages):
        low = min(low, _before(with_tail(messages, DELIVERED), limit)[1])
    return value, low, high


def _before(messages: list[Message], limit: int) -> tuple[float, float, float]:
    def figure(own: Hazards) -> float:
        return incidence(own, DELIVERED, limit) / incidence(own, DELIVERED)

    bins = [bin_ for bin_, end in messages if end == DELIVERED]
    before = sum(bin_ < limit for bin_ in bins)
    if before in (0, len(bins)):
        return score(float(before > 0), len(bins))
    return score(figure(hazards(messages)), worth(messages, figure))


def quantile(messages: list[Message], q: float) -> tuple[float, float, float]:
    """The quantile of deliveries in seconds and its interval: where the share reaches q, and q more
    or less z standard errors of a share of q, as many messages as the share there is worth.
    """
    if not any(end == DELIVERED for _, end in messages):
        return NAN, NAN, NAN
    at, first, last = _reached(messages, q)
    if _open(messages):
        best = _reached(with_tail(messages, DELIVERED), q)[2]
        last = None if best is None or best >= _last(messages) else best
    edges = edges_us()
    return (
        NAN if at is None else middle_us(at) / 1e6,
        NAN if first is None else float(edges[first]) / 1e6,
        NAN if last is None else float(edges[last + 1]) / 1e6,
    )


def _reached(messages: list[Message], q: float) -> tuple[int | None, int | None, int | None]:
    bins = sorted({bin_ for bin_, end in messages if end == DELIVERED})
    n = sum(end == DELIVERED for _, end in messages)

    own = hazards(messages)
    whole = incidence(own, DELIVERED)

    def first(level: float) -> int | None:
        lines = ((bin_, incidence(own, DELIVERED, bin_ + 1) / whole) for bin_ in bins)
        return next((bin_ for bin_, line in lines if line >= level - 1e-11), None)

    at = first(q)
    assert at is not None

    def figure(own: Hazards) -> float:
        return incidence(own, DELIVERED, at + 1) / incidence(own, DELIVERED)

    value = figure(hazards(messages))
    if at < bins[-1]:
        n = worth(messages, figure)  # type: ignore[assignment]
    assert value > 0
    width = Z * math.sqrt(q * (1 - q) / n)
    return at, first(max(q - width, 1e-9)), first(q + width) if q + width < 1 else None


def estimates(messages: list[Message], limits: list[int]) -> list[float]:
    """The share delivered, and of the deliveries those made before each limit: no intervals."""
    if messages and _open(messages):
        messages = with_tail(messages, OTHER)
    own = hazards(messages)
    whole = incidence(own, DELIVERED)
    ends = whole + incidence(own, OTHER)
    shares = [incidence(own, DELIVERED, limit) / whole if whole else NAN for limit in limits]
    return [whole / ends if ends else NAN, *shares]


def expected(messages: list[Message]) -> float:
    """How many of the pending are expected to be delivered, one by one."""
    own, total = hazards(messages), 0.0
    whole = incidence(own, DELIVERED)
    for bin_, n in Counter(bin_ for bin_, end in messages if end == PENDING).items():
        left = staying(own, bin_)
        if left > 0:
            total += n * (whole - incidence(own, DELIVERED, bin_ + 1)) / left
    return total
