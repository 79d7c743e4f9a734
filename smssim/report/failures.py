"""Why messages were not delivered, code by code, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from smssim.record.record import Record
from smssim.report._record import keys_of, requires
from smssim.report.delivery import statuses
from smssim.sms import reference as codes
from smssim.stats.intervals import score_of_few

__all__ = ["failures"]

_NOT_FAILED = ("DELIVRD", "ACCEPTD")
_UNTOLD = ("-", "not given")
_SHARE = ("share", "share_low", "share_high")


@requires("money")
def failures(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Messages that were refused, failed or expired, one row per group, code and stage, the most
    frequent first within a group; *by* as in `cost`, but for copies.

    `share` is of the group's requested messages, with Wilson's 95% interval, modified for
    few (`score_of_few`). `refused_at` is the stage (`smssim.record.schema.RefusalStage`), empty for
    a final status. `source` is who made the code: supplier, huawei, either (which one, only a
    report's own source says), or api for one in an answer. `cause` is from the reference tables, as
    far as Huawei's pages tell it (DOMAIN.md sections 6 and 7); `advice` is smssim's own
    (`smssim.sms.reference.advice`). All three are NA for a code that the tables do not hold.
    """
    keys = keys_of(by)
    rows = statuses(record, by)
    groups = rows.groupby(keys or np.zeros(len(rows), np.int8), dropna=False)
    rows["of"] = groups["messages"].transform("sum")
    refused = rows["refused_at"] != ""
    rows = rows[refused | ~(rows["status"].isna() | rows["status"].isin(_NOT_FAILED))]
    rows = rows.sort_values(
        [*keys, "messages", "status", "refused_at"],
        ascending=[True] * len(keys) + [False, True, True],
        ignore_index=True,
    )
    pairs = zip(rows["messages"].tolist(), rows["of"].tolist(), strict=True)
    shares = np.array([score_of_few(k / n, n) for k, n in pairs], np.float64).reshape(-1, 3)
    columns: dict[str, Any] = dict(zip(_SHARE, shares.T, strict=True))
    codes_at = zip(rows["status"].tolist(), rows["refused_at"], strict=True)
    explanations = [_explanation(code, stage) for code, stage in codes_at]
    for number, name in enumerate(("source", "cause", "advice")):
        columns[name] = [explanation[number] for explanation in explanations]
    rows = rows.rename(columns={"status": "code"}).assign(**columns)
    order = [*keys, "code", "refused_at", "messages", *_SHARE, "source", "cause", "advice"]
    return rows[order].astype(dict.fromkeys(("source", "cause", "advice"), "str"))


def _explanation(code: str, stage: str) -> tuple[str | None, str | None, str | None]:
    """Source, cause and advice of a code that is in a report, or else in an answer."""
    advice = codes.advice().get(code)
    status, error = codes.status_codes().get(code), codes.api_errors().get(code)
    if error is not None and (stage in ("request", "number") or status is None):
        return "api", _sentence(error.description, error.hint), advice
    if status is None:
        return None, None, advice
    source = "huawei" if stage == "platform" else status.source
    return source, _sentence(status.description, status.cause), advice


def _sentence(description: str, cause: str) -> str:
    return description if not cause or cause in _UNTOLD else f"{description}: {cause}"
