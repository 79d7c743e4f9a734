"""Why messages were not delivered, code by code, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.record.record import Record
from smssim.report._record import keys_of
from smssim.report.delivery import statuses
from smssim.report.needs import needs
from smssim.sms import reference as codes
from smssim.stats.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

_NOT_FAILED = ("DELIVRD", "ACCEPTD")
_UNTOLD = ("-", "not given")
_SHARE = ("share", "share_low", "share_high")


@needs("money")
def failures(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Messages that were refused, failed or expired, one row a group, code and place, the most
    frequent first within a group; *by* as in `cost`, but for copies.

    `share` is of the group's requested messages, with Wilson's 95 % interval. `place` is 0 for a
    final status, or where it was refused (`smssim.record.schema.PLACES`). `source` is who made the code:
    supplier, huawei, either (which one, only a report's own source says), or api for one in an
    answer. `cause` is from the reference tables, as far as Huawei's pages tell it (DOMAIN.md
    sections 6 and 7); `advice` is smssim's own (`smssim.sms.reference.advice`). All three are NA for a code
    that the tables do not hold.
    """
    keys = keys_of(by)
    found = statuses(record, by)
    whole = found.groupby(keys or np.zeros(len(found), np.int8), dropna=False)["messages"]
    found["of"] = whole.transform("sum")
    refused = found["place"] > 0
    found = found[refused | ~(found["status"].isna() | found["status"].isin(_NOT_FAILED))]
    found = found.sort_values(
        [*keys, "messages", "status", "place"],
        ascending=[True] * len(keys) + [False, True, True],
        ignore_index=True,
    )
    pairs = zip(found["messages"].tolist(), found["of"].tolist(), strict=True)
    shares = np.array([wilson(*pair) for pair in pairs], np.float64).reshape(-1, 3)
    told = [_told(*own) for own in zip(found["status"].tolist(), found["place"], strict=True)]
    columns: dict[str, Any] = dict(zip(_SHARE, shares.T, strict=True))
    for number, name in enumerate(("source", "cause", "advice")):
        columns[name] = [own[number] for own in told]
    found = found.rename(columns={"status": "code"}).assign(**columns)
    order = [*keys, "code", "place", "messages", *_SHARE, "source", "cause", "advice"]
    return found[order].astype(dict.fromkeys(("source", "cause", "advice"), "str"))


def _told(code: str, place: int) -> tuple[str | None, str | None, str | None]:
    """Source, cause and advice of a code that stands in a report, or else in an answer."""
    advice = codes.advice().get(code)
    status, error = codes.status_codes().get(code), codes.api_errors().get(code)
    if error is not None and (place in (1, 2) or status is None):
        return "api", _said(error.description, error.hint), advice
    if status is None:
        return None, None, advice
    return (
        "huawei" if place == 3 else status.source,
        _said(status.description, status.cause),
        advice,
    )


def _said(description: str, cause: str) -> str:
    return description if not cause or cause in _UNTOLD else f"{description}: {cause}"
