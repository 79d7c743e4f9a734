"""What became of each package that was bought: how much was used, and when it was empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.record import Record
from smssim.report.needs import needs
from smssim.tables import PACKAGES, TIME

if TYPE_CHECKING:
    import pandas as pd


@needs("packages", "events")
def packages(record: Record) -> pd.DataFrame:
    """One row a package: what was bought, and how many of its segments were used, expired, left.

    `empty_at` is when its last segment was first taken; `run_out_at` is when its country first had
    fewer segments than a message needed, at or after it came in force. Both are NaT if that never
    happened. The price is in millionths and in whole units of the currency. A log knows
    no packages and has no rows unless it was rated.
    """
    import pandas as pd

    table, events = record.packages, record.events
    if table is None or events is None:
        table = pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in PACKAGES})
        events = pd.DataFrame({"at": pd.Series(dtype=TIME), "event": "", "subject": ""})
    found = table.copy()
    price = f"price_{record.currency.lower()}" if record.currency else "price"
    found.insert(list(found).index("price_micro") + 1, price, found["price_micro"] / 1e6)
    found["used_share"] = found["used"] / found["segments"]
    empty = events[events["event"] == "package_empty"].drop_duplicates("subject")
    names = found["package"].astype("str")
    empty_at = empty.set_index("subject")["at"].reindex(names).set_axis(found.index)
    return found.assign(empty_at=empty_at, run_out_at=_run_outs(found, events))


def _run_outs(found: pd.DataFrame, events: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """The first run-out of each package's country since it came in force."""
    import pandas as pd

    dry = events[events["event"] == "run_out"]
    by_country = {country: own["at"] for country, own in dry.groupby("subject")}
    never = pd.Series(dtype=TIME)
    first = [
        own[own >= since].min()
        for own, since in zip(
            (by_country.get(country, never) for country in found["country"]),
            found["in_force_at"],
            strict=True,
        )
    ]
    return pd.Series(first, found.index, dtype=TIME)
