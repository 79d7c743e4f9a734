"""Families of delays: a log-normal body, and a slow part for phones that are off.

Parameters are logs and logits, so that none is out of bounds; every distribution function comes
with its derivatives, so that fits need no differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from smssim.arrays import Floats

__all__ = ["FAMILIES", "Family"]

_SMALLEST_S = 1e-12
_ROOT_TAU = np.sqrt(2 * np.pi)

_Part = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Seconds and parameters in; shares at most so long, and their derivatives (a row each), out."""


def _log_normal(seconds: Floats, parameters: Floats) -> tuple[Floats, Floats]:
    """A log-normal by the mean and the log of the sd of its logarithm."""
    mean, log_sd = parameters
    sd = np.exp(log_sd)
    z = (np.log(np.maximum(seconds, _SMALLEST_S)) - mean) / sd
    density = np.exp(-(z**2) / 2) / _ROOT_TAU
    return ndtr(z), np.array([-density / sd, -density * z])


def _weibull(seconds: Floats, parameters: Floats) -> tuple[Floats, Floats]:
    """A Weibull by the log of its scale and the log of its shape."""
    log_scale, log_shape = parameters
    shape = np.exp(log_shape)
    log_hazard = shape * (np.log(np.maximum(seconds, _SMALLEST_S)) - log_scale)
    hazard = np.exp(np.minimum(log_hazard, 600.0))
    left = np.exp(-hazard)
    return -np.expm1(-hazard), np.array([-shape * hazard * left, hazard * log_hazard * left])


def _mixed(
    logit: float, one: tuple[Floats, Floats], other: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """The mixture in which *other* has the share of *logit*: first its derivative, then theirs."""
    share = expit(logit)
    of_share = share * (1 - share) * (other[0] - one[0])
    derivatives = [of_share[None, :], (1 - share) * one[1], share * other[1]]
    return (1 - share) * one[0] + share * other[0], np.concatenate(derivatives)


@dataclass(frozen=True)
class Family:
    """A family by name, with the prior mean and sd of each of its parameters.

    The body's two come first; then the logit of the slow share and the slow part's two; then, for
    two bodies, the logit of the second's share and its two.
    """

    name: str
    means: tuple[float, ...]
    sds: tuple[float, ...]
    slow: _Part | None = None

    def shares(self, seconds: Floats, parameters: Floats) -> tuple[Floats, Floats]:
        """The share of delays that are at most so long, and its derivatives by parameter."""
        body = _log_normal(seconds, parameters[:2])
        if self.slow is None:
            return body
        slow = self.slow(seconds, parameters[3:5])
        if len(parameters) > 5:
            body = _mixed(parameters[5], body, _log_normal(seconds, parameters[6:8]))
            value, derivatives = _mixed(parameters[2], body, slow)
            # From (slow share, second share, first, second, slow) to the order of the parameters.
            return value, derivatives[[2, 3, 0, 6, 7, 1, 4, 5]]
        value, derivatives = _mixed(parameters[2], body, slow)
        return value, derivatives[[1, 2, 0, 3, 4]]

    def failed_shares(
        self, seconds: Floats, failed: Floats, parameters: Floats
    ) -> tuple[Floats, Floats]:
        """The same of failures, which have a body and a slow share of their own (*failed*, three),
        and the slow part of the delivered; derivatives by *failed*, then by *parameters*.
        """
        body = _log_normal(seconds, failed[:2])
        derivatives = np.zeros((3 + len(parameters), *np.shape(seconds)))
        if self.slow is None:
            derivatives[:2] = body[1]
            return body[0], derivatives
        value, mixed = _mixed(failed[2], body, self.slow(seconds, parameters[3:5]))
        derivatives[[2, 0, 1, 6, 7]] = mixed
        return value, derivatives


FAMILIES = (
    Family("plain", (1.5, 0.0), (2.0, 0.7)),
    Family("lognormal", (1.5, 0.0, -3.0, 9.5, 0.3), (2.0, 0.7, 1.5, 1.5, 0.5), slow=_log_normal),
    Family("weibull", (1.5, 0.0, -3.0, 10.0, 0.0), (2.0, 0.7, 1.5, 1.5, 0.4), slow=_weibull),
    Family(
        "two",
        (1.3, -0.3, -3.0, 9.5, 0.3, -1.5, 2.7, -0.3),
        (2.0, 0.7, 1.5, 1.5, 0.5, 1.5, 1.5, 0.7),
        slow=_log_normal,
    ),
)
"""Families that are tried; medians in log seconds, about 4 s for the body and 4 h for the slow."""
