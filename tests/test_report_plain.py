"""Deliveries, failures and the console's figures against plain pandas over the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import plain_delivery as plain
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import read_log, report
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate
from smssim.sms import reference as codes

invented = settings(settings.get_profile("worlds"), max_examples=40)
EXPORTS = Path(__file__).parents[1] / "data" / "exports"
BYS: tuple[list[str], ...] = ([], ["country"], ["type"], ["country", "type"], ["day"])
REPORTS = ("delivery", "failures", "console_statistics")


def agree(record: Record, name: str, by: list[str]) -> None:
    """Every column that the plain computation has is that of the report."""
    made: Callable[..., pd.DataFrame] = getattr(report, name)
    found, wanted = made(record, by=by), getattr(plain, name)(record, by)
    if not by and not len(found):
        assert not wanted
        return
    assert len(found) == len(wanted)
    for row, expected in zip(found.to_dict("records"), wanted, strict=True):
        for column, value in expected.items():
            own = row[column]
            if column.startswith(("latency", "within")) and by == ["day"]:
                assert own != own, column
            elif isinstance(value, float):
                assert own == pytest.approx(value, rel=1e-4, abs=1e-7, nan_ok=True), (column, by)
            else:
                assert own == value or (own != own and value != value), (column, by)


def the_same_in_all(record: Record) -> None:
    for name in REPORTS:
        for by in BYS:
            agree(record, name, by)
    agree(record, "delivery", ["template"])
    row = report.delivery(record, by=()).astype("float64").iloc[0]
    figures = report.kpis(record).set_index("name")
    for name in ("p50", "p95", "p99"):
        _same(figures, row, f"latency.{name}", f"latency_{name}_s")
    for name in ("within_10_s", "within_30_s", "within_3_min"):
        _same(figures, row, f"latency.{name}", name)
    parts_agree(record)


def parts_agree(record: Record) -> None:
    """The figures of a part of the month are those of its group, in logs of all kinds, too."""
    metrics = {f"latency.{name}": f"latency_{name}_s" for name in ("p50", "p95", "p99")}
    metrics |= {f"latency.{name}": name for name in ("within_10_s", "within_30_s", "within_3_min")}
    metrics |= {f"messages.{name}": name for name in ("sent", "in_flight", "refused_platform")}
    metrics["delivered.share"] = "delivered_share"
    for key in ("country", "type", "template"):
        groups = report.delivery(record, by=key).dropna(subset=key).set_index(key)
        for part, row in groups.astype("float64").iterrows():
            found = {metric: report.kpi(record, metric, {key: part}) for metric in metrics}
            wanted = {metric: row[column] for metric, column in metrics.items()}
            assert found == pytest.approx(wanted, rel=0, nan_ok=True), (key, part)


def _same(figures: pd.DataFrame, row: Any, metric: str, column: str) -> None:
    told = [row[f"{column}{end}"] for end in ("", "_low", "_high")]
    assert figures.loc[metric, ["value", "low", "high"]].tolist() == pytest.approx(
        told, nan_ok=True
    )


@seed(3)
@invented
@given(worlds())
def test_invented_worlds(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)
    the_same_in_all(run)
    # All that a simulation refuses or fails with is told, and what to do about it.
    told = report.failures(run)
    assert told[["source", "cause", "advice"]].notna().all(axis=None), told["code"].tolist()
    assert set(told["code"]) <= set(codes.advice())


@pytest.mark.parametrize("form", ["european", "joined", "parquet", "capture", "workbook"])
def test_read_logs(form: str) -> None:
    the_same_in_all(read_log(EXPORTS / form))


def test_the_figures_of_the_console_add_up() -> None:
    log = read_log(EXPORTS / "parquet")
    found = report.console_statistics(log, by="country").pivot_table(
        index="country", columns="figure", values="value"
    )
    made = found["sent_successfully"] + found["sending_failures"] + found["sending"]
    assert made.tolist() == found["total_submitted"].tolist()
    assert (found["total_submitted"] + found["submission_failures"]).tolist() == found[
        "total_submit"
    ].tolist()
    said = report.console_statistics(log).set_index("figure")["definition"]
    assert set(said) == {"documented", "our reading"}
    assert said["submission_success_rate"] == "documented"
    assert said["sending"] == "our reading"


def test_an_unknown_code_has_neither_cause_nor_advice() -> None:
    told = report.failures(read_log(EXPORTS / "console", tz="Asia/Shanghai"))
    ours = told[~told["code"].isin([*codes.status_codes(), *codes.api_errors()])]
    assert ours[["source", "cause", "advice"]].isna().all(axis=None)
    known = told.drop(ours.index)
    assert known["advice"].tolist() == [codes.advice()[code] for code in known["code"]]
    assert set(known["source"]) <= {"supplier", "huawei", "either", "api"}
