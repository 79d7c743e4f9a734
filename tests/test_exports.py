"""The dirty exports of data/exports: what is read from each is exactly what is true of it."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import smssim
from smssim import read_log, report
from smssim.logs import Log
from smssim.scenario import Scenario, micro
from smssim.simulation.simulate import simulate

DATA = Path(__file__).parents[1] / "data"
EXPORTS = DATA / "exports"
TRUTH: dict[str, Any] = json.loads((EXPORTS / "truth.json").read_text(encoding="utf-8"))
FORMS = sorted(TRUTH)
PRICED = ["european", "western"]
UNPRICED = [form for form in FORMS if form not in PRICED]
WEEK = ["european", "json_lines", "parquet", "workbook"]
"""Forms that hold the same readable messages of the same week."""

# What the words of the truth are called in a quarantine.
REASONS = {
    "before": r"before",
    "bytes": r"do not decode",
    "charged": r"must be 0 \(charged\)",
    "conflict": r"conflicting content",
    "contradiction": r"contradicts",
    "cost": r"must be >= 0",
    "country": r"must be a country|number of some country",
    "currency": r"currency of the log",
    "cut": r"line cut",
    "disagree": r"must be a number of (?!some)",
    "json": r"JSON|cut",
    "no id": r"smsMsgId is missing",
    "no object": r"JSON object",
    "no time": r"(submitted|Time|时间).* is missing|Submitted.* is missing",
    "nowhere": r"(To is|are) missing",
    "orphan": r"orphan",
    "quote": r"quote is not closed",
    "result": r"must be 0 to 4",
    "scientific": r"rounded by a spreadsheet",
    "segments": r"must be a whole number",
    "source": r"must be a whole number",
    "status": r"neither a status code",
    "time": r"must be a time",
    "wide": r"too many fields",
}


@cache
def log(form: str) -> Log:
    """An export as it is read; the console's own does not say its zone."""
    tz = "Asia/Shanghai" if form == "console" else None
    return read_log(EXPORTS / form, tz=tz)


@cache
def month() -> Scenario:
    return Scenario.load(EXPORTS / "month.yaml")


def packages() -> list[dict[str, Any]]:
    """The month's packages; an export that begins later must still know when they were bought."""
    rows = [package.model_dump(exclude_unset=True) for package in month().packages]
    return [{"at": month().start, **row} for row in rows]


def told(form: str, name: str) -> dict[str, int]:
    """A figure of the truth by country, where it is not 0."""
    figures = {country: row.get(name, 0) for country, row in TRUTH[form]["countries"].items()}
    return {country: value for country, value in figures.items() if value}


@pytest.mark.parametrize("form", FORMS)
def test_every_record_is_counted_once(form: str) -> None:
    counts = log(form).provenance["counts"]
    assert counts == TRUTH[form]["counts"]
    assert counts["records_in"] == sum(counts.values()) - counts["records_in"]


@pytest.mark.parametrize("form", FORMS)
def test_the_quarantine_names_every_row_and_all_its_reasons(form: str) -> None:
    frame = log(form).quarantine
    assert frame is not None
    rows = zip(frame["file"], frame["row"], frame["reasons"], strict=True)
    found = {(Path(file).name, int(row)): reasons for file, row, reasons in rows}
    expected = {(Path(file).name, row): tuple(why) for file, row, *why in TRUTH[form]["quarantine"]}
    assert sorted(found) == sorted(expected)
    for place, why in expected.items():
        pattern = ".*".join(f"(?:{REASONS[word]})" for word in why)
        assert re.search(pattern, found[place]), (place, why, found[place])


@pytest.mark.parametrize("form", FORMS)
def test_reasons_are_counted_one_by_one(form: str) -> None:
    counted = log(form).provenance["quarantined_by_reason"]
    assert sum(counted.values()) == sum(TRUTH[form]["quarantined_by_reason"].values())


@pytest.mark.parametrize("form", FORMS)
def test_no_text_of_the_quarantine_shows_a_number(form: str) -> None:
    frame = log(form).quarantine
    assert frame is not None
    assert not frame["text"].str.contains(r"\+\d{8}").any()


@pytest.mark.parametrize("form", FORMS)
def test_delivery_is_that_of_the_readable_messages(form: str) -> None:
    found = report.delivery(log(form)).set_index("country")
    found["in_flight"] += found.pop("no_report")
    names = {
        "requested": "requested",
        "refused_2": "refused_number",
        "refused_3": "refused_platform",
        "sent": "sent",
        "delivered": "delivered",
        "failed": "failed",
        "expired": "expired",
        "in_flight": "in_flight",
    }
    for name, column in names.items():
        figures = {country: int(n) for country, n in found[column].items() if n}
        assert figures == told(form, name), name


@pytest.mark.parametrize("form", FORMS)
def test_every_status_is_kept_as_it_is(form: str) -> None:
    frame = log(form).messages
    assert frame is not None
    found = Counter("None" if status != status else status for status in frame["status"])
    assert dict(found) == TRUTH[form]["statuses"]


@pytest.mark.parametrize("form", UNPRICED)
def test_the_bill_without_prices_has_segments_and_no_money(form: str) -> None:
    bill = report.cost(log(form), by="country").set_index("country")
    segments = {country: int(n) for country, n in bill["segments"].items() if n}
    assert segments == told(form, "segments")
    assert bill["cost_micro"].isna().all()


@pytest.mark.parametrize("form", PRICED)
def test_costs_that_an_export_tells_are_kept(form: str) -> None:
    bill = report.cost(log(form), by="country").groupby("country")["cost_micro"].sum()
    found = {country: int(cost) for country, cost in bill.items() if cost}
    assert found == told(form, "told_cost_micro")


@pytest.mark.parametrize("form", FORMS)
def test_the_bill_by_a_tariff_is_that_of_a_plain_loop(form: str) -> None:
    bill = report.cost(log(form), tariff=EXPORTS / "prices.csv", packages=packages(), by="country")
    charged = bill[bill["entry"] == "pay_per_use"].set_index("country")
    costs = {country: int(cost) for country, cost in charged["cost_micro"].items() if cost}
    assert costs == told(form, "cost_micro")
    segments = {country: int(n) for country, n in charged["segments"].items() if n}
    all_of_it, covered = told(form, "segments"), told(form, "covered_segments")
    uncovered = {country: n - covered.get(country, 0) for country, n in all_of_it.items()}
    assert segments == {country: n for country, n in uncovered.items() if n}


def test_the_loop_is_the_simulation_where_nothing_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(DATA)
    from exporter.money import figures
    from exporter.month import month_lines
    from exporter.truth import Truth

    run = simulate(month())
    prices = {country: micro(route.price) for country, route in month().routes.items()}
    lines = month_lines(run, prices)
    for line in lines:
        line.said["columns"] = ("final", "segments", "part")
    found = figures(Truth(lines), run, prices)
    assert run.messages is not None
    sent = run.messages[run.messages["refused_at"] == ""]
    columns = ["segments", "covered_segments", "cost_micro"]
    own = sent.groupby("country", observed=True)[columns].sum()
    for country, row in own.to_dict("index").items():
        assert {name: found[country][name] for name in columns} == row, country


@pytest.mark.parametrize("form", WEEK[1:])
def test_forms_with_the_same_messages_have_the_same_delivery(form: str) -> None:
    names = ["country", "requested", "refused_platform", "sent", "delivered", "failed", "expired"]
    found, first = (report.delivery(log(name))[names] for name in (form, WEEK[0]))
    assert found.to_dict("list") == first.to_dict("list")


def test_a_file_of_exactly_ten_thousand_records_is_probably_cut() -> None:
    warnings = [str(told) for told in log("console").provenance["warnings"]]
    assert [told for told in warnings if "10,000" in told and "2026-04-22" in told]
    assert sum("10,000" in told for told in warnings) == 1


def test_an_export_that_names_no_zone_is_asked_for_it() -> None:
    with pytest.raises(ValueError, match="tz"):
        read_log(EXPORTS / "console")


def test_any_quarantine_is_an_error_if_asked() -> None:
    with pytest.raises(ValueError, match="could not be used"):
        read_log(EXPORTS / "joined", strict=True)


def test_what_is_not_kept_of_a_quarantine_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smssim.logs.quarantine.MOST_ROWS", 2)
    found = read_log(EXPORTS / "western")
    assert found.quarantine is not None
    assert len(found.quarantine) == 2
    assert "9 records" in found._repr_html_()
    assert "(or log.quarantine) shows 2 of them with row and text" in smssim.summary(found)


def test_names_beyond_ascii_are_read() -> None:
    frame = log("western").messages
    assert frame is not None
    assert set(frame["application"].dropna()) == {"Café Noë"}


def contents(file: Path) -> object:
    """What a file holds, whatever library packed it."""
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes())
    if file.suffix == ".parquet":
        return pq.read_table(file)
    if file.suffix == ".xlsx":
        with zipfile.ZipFile(file) as archive:
            return {name: archive.read(name) for name in archive.namelist() if "sheet" in name}
    return file.read_bytes()


def test_the_script_writes_these_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATA / "make_exports.py", tmp_path], check=True)
    written = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    kept = sorted(
        file.relative_to(EXPORTS)
        for file in EXPORTS.rglob("*")
        if file.is_file() and file.name != "month.yaml"
    )
    assert written == kept
    for name in kept:
        assert contents(tmp_path / name) == contents(EXPORTS / name), name
    assert sum((EXPORTS / name).stat().st_size for name in kept) < 2_000_000
