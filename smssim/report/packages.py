"""What became of each package that was bought: how much was used, and when it was empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.record.record import Record
from smssim.record.schema import PACKAGES, TIME
from smssim.report.needs import needs
from smssim.report.run_out import run_outs

if TYPE_CHECKING:
    import pandas as pd


@needs("packages", "events", "money")
def packages(record: Record) -> pd.DataFrame:
    """One row a package: what was bought, and how many of its segments were used, expired, left.

    `empty_at` is when its last segment was first taken; `run_out_at` is when its country first had
    fewer segments than a message needed, at or after it came in force. Both are NaT if that never
    happened. The price is in millionths and in whole units of the currency. `expired` are segments
    that expired unused, and `expired_cost` what they cost (`expired_cost_micro` in millionths,
    rounded half up): their share of the price. A log knows no packages and has no rows unless it
    was rated.

    `run_out_projected_at` is when what is `left` at the end of the record will have been used, by
    the country's daily use and the method of `projection`: whole UTC days, a weekday like those
    seen. Use is what packages were or would have been asked for: segments sent, covered or not, and
    refused for want of quota (E000629). Packages are used one after the other, in their order.
    `run_out_projected_at_low` and `run_out_projected_at_high` are the ends of its 95 % interval. It
    is NaT after the package's expiry, of a package without anything left, and if the record has
    fewer than 3 whole days. Assumption: days are independent and those to come are like those seen.
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
    found = found.assign(empty_at=empty_at, run_out_at=_run_outs(found, events))
    ahead = run_outs(record).reindex(found["package"]).set_axis(found.index)
    for name, end in (("at", ""), ("low", "_low"), ("high", "_high")):
        found[f"run_out_projected_at{end}"] = ahead[name]
    found["expired_cost_micro"] = (
        2 * found["expired"] * found["price_micro"] + found["segments"]
    ) // (2 * found["segments"])
    return found.assign(expired_cost=found["expired_cost_micro"] / 1e6)


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
