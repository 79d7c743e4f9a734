"""The figures of `smssim.metrics` for one record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from smssim.calendars import DAY, HOUR
from smssim.estimate import wilson
from smssim.metrics import METRICS
from smssim.record import Record
from smssim.report.callbacks import callbacks
from smssim.report.cost import cost
from smssim.report.delivery import delivery, statuses
from smssim.report.groups import events_of, priced
from smssim.report.latencies import WITHIN_US
from smssim.report.needs import needs
from smssim.report.packages import packages
from smssim.report.review import review
from smssim.report.spans import microseconds, stops, union_us
from smssim.report.thresholds import thresholds

if TYPE_CHECKING:
    import pandas as pd


class Value(NamedTuple):
    """A metric's value, its 95 % interval if it is an estimate, and its subject if it has one."""

    name: str
    value: Any
    low: Any = None
    high: Any = None
    of: str = ""


@needs("money", "latency", "censored", "coarse", "push", "events", "ledger", "packages", "reviews")
def kpis(record: Record) -> pd.DataFrame:
    """One row a metric of `smssim.metrics`, and a row a package or template where it is one each.

    Columns: name, of (the subject, or ""), unit, value, low, high. Shares of messages or reports
    are estimates with Wilson's 95 % interval, quantiles of latency with that of `delivery`; for the
    rest low and high are NaN. A value that did not come about, or that a log cannot know, is NaN.
    """
    import pandas as pd

    values = [
        *_messages(record),
        *_packages(record),
        *_account(record),
        *_callbacks(record),
        *_reviews(record),
    ]
    units = {"currency": record.currency or "currency"}
    order = list(METRICS)
    values.sort(key=lambda value: order.index(value.name))
    found = pd.DataFrame(values, columns=list(Value._fields), dtype=object)
    found["unit"] = [units.get(u := METRICS[name].unit, u) for name in found["name"]]
    numbers = dict.fromkeys(("value", "low", "high"), "float64")
    types = {"name": "str", "of": "str", "unit": "str", **numbers}
    return found[list(types)].where(found.notna(), None).astype(types)


def _messages(record: Record) -> Iterator[Value]:
    counts = delivery(record, by=()).iloc[0]
    for name in ("requested", "sent", "delivered", "in_flight"):
        yield Value(f"messages.{name}", counts[name])
    for name in ("refused_request", "refused_number", "refused_platform"):
        yield Value(f"messages.{name}", counts[name])
    codes = statuses(record, by=()).groupby("status")["messages"].sum()
    yield Value("messages.stopped_by_limit", codes.get("E000623", 0))
    yield Value("messages.stopped_by_runout", codes.get("E000629", 0))
    delivered = int(counts["delivered"])
    known = delivered + int(counts["failed"]) + int(counts["expired"])
    yield _share("delivered.share", delivered, known)
    requested = int(counts["requested"])
    yield Value("delivered.of_requested", delivered / requested if requested else None)
    for quantile in ("p50", "p95", "p99"):
        yield _estimate(f"latency.{quantile}", counts, f"latency_{quantile}_s")
    for within in WITHIN_US:
        yield _estimate(f"latency.{within}", counts, within)
    yield from _cost(record, delivered)
    yield Value("first_message.day", _first_day(record))


def _cost(record: Record, delivered: int) -> Iterator[Value]:
    entries = cost(record, by=()).set_index("entry")
    bill = entries["cost_micro"]
    # What could not be rated may have cost anything.
    known = priced(record) and not int(entries["messages"].get("unknown", 0))
    bought, charged = (int(bill.get(entry, 0)) for entry in ("package", "pay_per_use"))
    values = {
        "cost": (bought + charged) / 1e6,
        "cost.packages": bought / 1e6,
        "cost.pay_per_use": charged / 1e6,
        "cost.per_delivered": (bought + charged) / 1e6 / delivered if delivered else None,
    }
    for name, value in values.items():
        told = known or (priced(record) and name == "cost.packages")
        yield Value(name, value if told else None)


def _first_day(record: Record) -> int | None:
    money = record.tallies.money
    sent = money[~money["charge"].isin(["refused_1", "refused_2", "refused_3"])]
    days = microseconds(sent["day"])
    return int(days.min()) // DAY - record.observed_from // DAY if len(days) else None


def _packages(record: Record) -> Iterator[Value]:
    found = packages(record)
    start = record.observed_from
    for _, row in found.iterrows():
        of = str(row["package"])
        yield Value("package.empty", _days(row["empty_at"], start), of=of)
        yield Value("package.run_out", _days(row["run_out_at"], start), of=of)
        yield Value("package.used_share", row["used_share"], of=of)
        yield Value("package.expired", row["expired"], of=of)
    dry = _times(record, "run_out")
    yield Value("runout.any", None if dry is None else int(bool(dry)))
    yield Value("runout.count", None if dry is None else len(dry))
    yield Value("runout.first", (min(dry) - start) / DAY if dry else None)


def _account(record: Record) -> Iterator[Value]:
    for name, event in (
        ("thresholds.alarms", "alarm"),
        ("thresholds.limits", "limit"),
        ("thresholds.country_limits", "country_limit"),
    ):
        times = _times(record, event)
        yield Value(name, None if times is None else len(times))
    for name, begin, end in (
        ("suspended.runout", "suspended", "resumed"),
        ("suspended.limit", "limit", "recovered"),
        ("suspended.arrears", "frozen", "thawed"),
    ):
        begun = events_of(record, begin)
        if begun is None:
            yield Value(name, None)
            continue
        subjects = begun["subject"].unique()
        spans = [span for subject in subjects for span in stops(record, begin, end, subject)]
        yield Value(name, union_us(spans) / HOUR)
    shares = thresholds(record).groupby("period")["share_of_limit"].max()
    for period in ("day", "month"):
        yield Value(f"thresholds.{period}_share", shares.get(period))


def _callbacks(record: Record) -> Iterator[Value]:
    found = callbacks(record).iloc[0]
    yield Value("reports.made", found["reports"])
    share = [found[f"received_share{end}"] for end in ("", "_low", "_high")]
    yield Value("reports.received_share", *share)
    yield Value("reports.lost_share", *(1 - share[place] for place in (0, 2, 1)))
    yield Value("reports.duplicates", found["duplicates"])
    yield Value("reports.delay_p95", found["delay_p95_s"])


def _reviews(record: Record) -> Iterator[Value]:
    for _, row in review(record).iterrows():
        yield Value("review.hours", row["wall_h"], of=row["template"])
        yield Value("review.working_hours", row["working_h"], of=row["template"])
        yield Value("review.rejections", row["rejected"], of=row["template"])


def _estimate(name: str, row: pd.Series[Any], column: str) -> Value:
    """A column with its interval."""
    return Value(name, *(row[f"{column}{end}"] for end in ("", "_low", "_high")))


def _share(name: str, successes: int, of: int) -> Value:
    """A share with its interval; NaN of nothing."""
    return Value(name, *wilson(successes, of)) if of else Value(name, None)


def _times(record: Record, event: str) -> list[int] | None:
    """The instants of an event, None where events are not known."""
    events = events_of(record, event)
    if events is None:
        return None
    times: list[int] = microseconds(events["at"]).tolist()
    return times


def _days(at: pd.Timestamp, start: int) -> float | None:
    import pandas as pd

    since = pd.Timestamp(start, unit="us", tz="UTC")
    return None if pd.isna(at) else (at - since).total_seconds() / 86_400
