"""What a textbook says of a simulated month, where the scenario has the textbook's assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.record.record import Record
from smssim.report.forms import FORMS, Beside
from smssim.report.needs import needs
from smssim.report.rules import scenario_of

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("simulated", "low", "high", "theory")


@needs("money", "push", "events", "ledger", "reviews")
def theory_beside(record: Record) -> pd.DataFrame:
    """One row a closed form of `smssim.stats.closed_forms` that applies to a simulated record; none for a log.

    Columns: `figure`, `unit`; `simulated` with its 95 % interval `low` and `high` (NaN where one
    value alone tells no spread; never below 0, as no figure is), the form's value `theory`, and
    `form` and `source`, what it is called and where it is proved. Of twenty rows one may have its
    theory outside by chance.

    Forms, and what they ask of the scenario (all: no policies, and traffic as Poisson requests
    alone, without resends, flaws, calls and group tasks, but for reviews): reports lost in random
    outages (constant rates, no second push, ten turns or more); the mean review (no reviewers, no
    longer countries, all decided); the mean wait in the queue (constant rates, one queue without
    bound, loaded by 1 % or more, nothing refused, rows kept, two whole days); the overshoot of the
    daily limit (one kind of request, far smaller than the limit, nothing refused but by it, two
    trips); the cost (no packages, nothing refused but by drawn outcomes, not to mainland China).
    """
    import pandas as pd

    scenario = scenario_of(record)
    rows = [] if scenario is None else [form(record, scenario) for form in FORMS]
    found = pd.DataFrame([row for row in rows if row is not None], columns=list(Beside._fields))
    types = {name: "float64" if name in _NUMBERS else "str" for name in Beside._fields}
    found = found.astype(types)
    return found.assign(low=found["low"].clip(lower=0))
