"""The figures of the console's statistics page, as far as their definitions are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smssim.record.record import Record
from smssim.record.tallies import OUTCOMES
from smssim.report._record import keys_of, summed
from smssim.report.delivery import outcome_of, place_of
from smssim.report.needs import needs

if TYPE_CHECKING:
    import pandas as pd


class Figure(NamedTuple):
    """What a figure of the console counts, and whether its page says so or it is our reading."""

    meaning: str
    documented: bool


FIGURES = {
    "total_submit": Figure("all that were asked to be sent", True),
    "total_submitted": Figure("total_submit less submission_failures", False),
    "submission_failures": Figure(
        "not charged: the call or the number was refused, or the code is the Huawei platform's",
        True,
    ),
    "submission_success_rate": Figure("total_submitted divided by total_submit", True),
    "sent_successfully": Figure("with a report DELIVRD", False),
    "sending_failures": Figure(
        "submitted, with a report of another final status, EXPIRED included", False
    ),
    "sending": Figure("submitted, without a final status yet", False),
}
"""The figures in the console's order (DOMAIN.md section 9). Only the words of total_submitted,
sent_successfully and sending_failures are published, and of sending the name."""


@needs("money")
def statistics(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """The console's own figures, one row a group and figure: figure, value, unit, definition and
    meaning; *by* as in `cost`, but for copies.

    They count segments, as the platform does in its statistics (DOMAIN.md section 3), and
    `submission_success_rate` is a share, NaN of nothing. `definition` is "documented" or "our
    reading" (DOMAIN.md section 9): submitted = sent_successfully + sending_failures + sending is
    ours. A log's messages whose reports were lost count as sending.
    """
    import pandas as pd

    keys = keys_of(by)
    sums = summed(_counts(record, keys), keys).reset_index(drop=not keys)
    sums["total_submitted"] = sums["total_submit"] - sums["submission_failures"]
    asked = sums["total_submit"]
    sums["submission_success_rate"] = sums["total_submitted"] / asked.where(asked > 0)
    parts = []
    for number, (name, figure) in enumerate(FIGURES.items()):
        part = sums[keys].assign(
            figure=name,
            value=sums[name].astype("float64"),
            unit="share" if name == "submission_success_rate" else "segments",
            definition="documented" if figure.documented else "our reading",
            meaning=figure.meaning,
        )
        part.index = pd.Index(np.arange(len(sums)) * len(FIGURES) + number)
        parts.append(part)
    texts = dict.fromkeys(("figure", "unit", "definition", "meaning"), "str")
    return pd.concat(parts).sort_index().astype(texts)


def _counts(record: Record, keys: list[str]) -> pd.DataFrame:
    """The cells of the money tally with a column a count of segments."""
    money = record.tallies.money
    outcome, refused = outcome_of(money), place_of(money) > 0
    segments = money["segments"]
    own = {
        "total_submit": np.ones(len(money), bool),
        "submission_failures": refused,
        "sent_successfully": outcome == OUTCOMES.index("delivered"),
        "sending_failures": np.isin(outcome, [OUTCOMES.index(o) for o in ("failed", "expired")]),
        "sending": outcome == OUTCOMES.index("in_flight"),
    }
    counts: pd.DataFrame = money[keys].copy()
    return counts.assign(**{name: segments.where(which, 0) for name, which in own.items()})
