"""`smssim report` on logs: its options, its exit codes, what its errors show the way to."""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path

import pytest

from smssim import cli

EXPORTS = Path(__file__).parents[1] / "data/exports"
HEADING = "Message ID,Phone,Send Time,Status\n"
ROW = "a1,+6281234567890,2026-05-01 10:00:00,DELIVRD\n"
WRONG = "a2,62 812-3456-7891,2026-05-41 10:00:00,DELIVRD\n"


def called(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `smssim report`."""
    code = cli.main(["report", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_words_of_a_column_are_stated_and_what_is_not_is_left_out_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way of `values`: command line, quarantine, summary, and where an error is."""
    rows = [
        f"a{n},+628123456789{n},2026-05-01 10:00:00,{word}\n"
        for n, word in enumerate(("DELIVRD", "超时", "超时", "超量"))
    ]
    log, words, left_out = (tmp_path / name for name in ("log.csv", "map.yaml", "q.csv"))
    log.write_text(HEADING + "".join(rows), encoding="utf-8")
    words.write_text("status: {values: {超时: EXPIRED}}\n", encoding="utf-8")
    code, out, _ = called(capsys, log, "--tz", "UTC", "--columns", words, "--quarantine", left_out)
    assert code == 0
    assert re.search(r"EXPIRED +2 ", out)
    assert "1 of 4 records could not be used" in out
    text = left_out.read_text(encoding="utf-8-sig")
    assert "Status(='超量') is neither a status code nor a word that is known" in text
    assert "超时" not in text
    words.write_text("status:\n  values: {超时: EXPIRD}\n", encoding="utf-8")
    code, out, err = called(capsys, log, "--tz", "UTC", "--columns", words)
    assert (code, out) == (2, "")
    assert (
        f"{words}:2:11: values['超时'](='EXPIRD') must be a status: did you mean 'EXPIRED'?" in err
    )


def test_packages_that_were_bought_are_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their segments are used before prices; what is wrong in it is told with its place."""
    log, prices, packages = (tmp_path / name for name in ("log.csv", "prices.csv", "bought.yaml"))
    rows = [f"a{n},+628123456780{n},2026-05-01 10:00:0{n},DELIVRD\n" for n in range(6)]
    log.write_text(HEADING + "".join(rows), encoding="utf-8")
    prices.write_text("country,price,currency\nID,0.5,USD\n", encoding="utf-8")
    packages.write_text(
        "account: {package_order: nearest_expiry}\n"
        "packages:\n"
        "  - {country: ID, segments: 3, price: 1, valid_months: 12}\n"
        "  - {country: ID, segments: 2, price: 1, valid_months: 1}\n",
        encoding="utf-8",
    )
    rated = ("--tz", "UTC", "--tariff", prices)
    assert "3.00 USD" in called(capsys, log, *rated)[1]
    code, out, _ = called(capsys, log, *rated, "--packages", packages)
    assert code == 0
    assert "2.50 USD" in out
    code, _, err = called(capsys, log, "--tz", "UTC", "--packages", packages)
    assert (code, "give it with --tariff FILE" in err) == (2, True)
    packages.write_text("packages:\n  - {country: ID, segment: 3}\n", encoding="utf-8")
    code, _, err = called(capsys, log, *rated, "--packages", packages)
    assert code == 2
    assert f"{packages}:2:" in err
    assert "did you mean" in err


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two messages whose times say no zone, one of which can never have been sent."""
    file = tmp_path / "log.csv"
    file.write_text(HEADING + ROW + WRONG, encoding="utf-8")
    return file


def test_the_zone_is_asked_for_and_taken(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, log)
    assert (code, out) == (2, "")
    assert "do not say their zone: give it with --tz" in err

    code, out, _ = called(capsys, log, "--tz", "UTC+8")
    assert code == 0
    assert out.startswith("log: 2026-05-01 02:00 to 2026-05-01 02:00 UTC")

    code, _, err = called(capsys, log, "--tz", "Shanghai")
    assert code == 2
    assert '"Asia/Shanghai"' in err


def test_columns_are_named_by_hand(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text("Nachricht;Telefon;Gesendet;Status\n" + ROW.replace(",", ";"), encoding="utf-8")
    code, _, err = called(capsys, log, "--tz", "UTC")
    assert code == 2
    assert "say which column" in err or "--columns map.yaml" in err
    assert "Nachricht;Telefon" in err
    assert "6281234" not in err

    file = tmp_path / "map.yaml"
    file.write_text("id: Nachricht\nnumber: Telefon\nsubmitted: Gesendet\n", encoding="utf-8")
    code, out, _ = called(capsys, log, "--tz", "UTC", "--columns", file)
    assert code == 0
    assert "submitted 'Gesendet'" in out

    file.write_text("id: Nachrict\n", encoding="utf-8")
    code, _, err = called(capsys, log, "--tz", "UTC", "--columns", file)
    assert code == 2
    assert "now 'Nachrict'" in err

    time = "{heading: Gesendet, format: '%d/%m/%y %H:%M'}"
    form = f"id: Nachricht\nnumber: Telefon\nsubmitted: {time}"
    file.write_text(form, encoding="utf-8")
    code, out, _ = called(capsys, log, "--tz", "UTC", "--columns", file)
    assert code == 0
    assert "all 1 records were used" in out, "a format decides what known forms leave open"


def test_a_tariff_gives_money(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, log, "--tz", "UTC")
    assert "no prices in a log (--tariff FILE gives them); 1 messages sent in 1 segments" in out
    code, out, _ = called(capsys, log, "--tz", "UTC", "--tariff", EXPORTS / "prices.csv")
    assert code == 0
    assert re.search(r"Cost +0\.35 USD; 0\.3500 per delivered message", out)
    assert "BILL, USD" in out

    prices = log.with_name("prices.csv")
    prices.write_text("country,price,currency\nTH,0.1,USD\n", encoding="utf-8")
    code, _, err = called(capsys, log, "--tz", "UTC", "--tariff", prices)
    assert code == 2
    assert "ID" in err


def test_a_log_given_as_its_own_tariff_shows_no_number(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = log.with_name("prices.csv")
    prices.write_text(ROW, encoding="utf-8")
    code, _, err = called(capsys, log, "--tz", "UTC", "--tariff", prices)
    assert code == 2
    assert "a tariff must have the columns country, price, currency; it has a1, +628****" in err
    assert "6281234567890" not in err


def test_a_log_that_tells_costs_is_not_said_to_have_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = called(capsys, EXPORTS / "european")
    assert (
        "Cost        41.50 USD according to the log, for 404 messages; no cost given for 1,112"
        in out
    )
    assert "no prices" not in out


def test_strict_is_1_where_anything_is_left_out(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = called(capsys, log, "--tz", "UTC", "--strict")
    assert (code, out) == (1, "")
    assert err.startswith("smssim: 1 of 2 records could not be used")
    log.write_text(HEADING + ROW, encoding="utf-8")
    assert called(capsys, log, "--tz", "UTC", "--strict")[0] == 0


def test_the_quarantine_is_written_without_numbers_unless_asked(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "q.csv"
    code, out, _ = called(capsys, log, "--tz", "UTC", "--strict", "--quarantine", file)
    assert (code, out) == (1, "")
    with file.open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["file"], row["row"]) == (str(log), "3")
    assert row["reasons"].startswith("Send Time(='2026-05-41 10:00:00') must be a time")
    assert row["text"] == "a2,62 8**-****-****,2026-05-41 10:00:00,DELIVRD"

    called(capsys, log, "--tz", "UTC", "--quarantine", file, "--show-numbers")
    assert "62 812-3456-7891" in file.read_text(encoding="utf-8-sig")


def test_a_quarantine_that_cannot_be_written_is_said_before_reading(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smssim.logs.read_log", None)
    code, _, err = called(capsys, log, "--quarantine", tmp_path / "no" / "q.csv")
    assert code == 2
    assert f"q.csv: there is no directory {tmp_path / 'no'}" in err


@pytest.mark.parametrize(("show", "shown"), [([], False), (["--show-numbers"], True)])
def test_an_error_shows_no_number_unless_asked(
    log: Path, capsys: pytest.CaptureFixture[str], show: list[str], shown: bool
) -> None:
    log.write_text("\x1b[31m" + ROW * 9, encoding="utf-8")
    code, _, err = called(capsys, log, *show)
    assert code == 2
    assert ("6281234567890" in err) is shown
    assert len(err.splitlines()) <= 7
    assert err.replace("\n", "").isprintable()


def test_a_json_array_is_told_from_lines(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_text('[{"id": 1,\n "number": "+6281234567890"}]', encoding="utf-8")
    code, _, err = called(capsys, log)
    assert (code, "an object a line" in err) == (2, True)


def test_what_repeats_is_told_whatever_the_files(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text((HEADING + ROW) * 2, encoding="utf-8")
    _, out, _ = called(capsys, log, "--tz", "UTC")
    assert "nothing: 1 of 2 records repeats another, the others were used" in out
    log.with_name("again.csv.gz").write_bytes(gzip.compress((HEADING + ROW + WRONG).encode()))
    _, out, _ = called(capsys, log.parent, "--tz", "UTC")
    assert "1 of 4 records could not be used (25.0%); 2 repeat another" in out
    assert "--quarantine FILE" in out
    log.write_text(HEADING, encoding="utf-8")
    assert "nothing: there is no record" in called(capsys, log)[1]


def test_a_file_of_which_nothing_can_be_used_says_what_may_help(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(HEADING + WRONG * 3, encoding="utf-8")
    _, out, _ = called(capsys, log, "--tz", "UTC")
    assert "3 of 3 records could not be used (100.0%)" in out
    assert "none of its records can be used: " in " ".join(out.split())
    assert "--columns map.yaml" in " ".join(out.split())


def test_an_export_with_headings_of_its_own_says_what_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone it is an error, in a directory a warning; both show the headings and how to name them.
    A column of times that no one named is told where its times are missed.
    """
    headings = "Ref;Handset;Sent on (UTC);Done on (UTC);Result\n"
    file, columns = tmp_path / "own" / "a.csv", tmp_path / "map.yaml"
    file.parent.mkdir()
    row = "a1;+6281234567890;2026-05-01 10:00:00;2026-05-01 10:00:05;0\n"
    file.write_text(headings + row, encoding="utf-8")
    code, _, err = called(capsys, file)
    assert (code, headings in err, "`submitted: Sent on`" in err) == (2, True, True)
    code, out, _ = called(capsys, file.parent)
    assert code == 1
    assert "--columns map.yaml" in out
    assert headings.strip() in " ".join(out.split())

    columns.write_text("id: Ref\nnumber: Handset\nsubmitted: Sent on (UTC)\n", encoding="utf-8")
    told = " ".join(called(capsys, file, "--columns", columns)[1].split())
    assert "; if 'Done on (UTC)' is the time of the status, name it: `final: heading`" in told
    with columns.open("a", encoding="utf-8") as more:
        more.write("final: Done on (UTC)\n")
    told = called(capsys, file, "--columns", columns)[1]
    assert "p50 5 s" in told
    assert "ignored columns" not in told


def test_no_line_is_spent_on_saying_that_one_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The seventh of seven countries is the one to which every message was refused."""
    out = called(capsys, EXPORTS / "western")[1]
    assert re.search(r"^  Malaysia +7 +7 +0 +0 ", out, re.MULTILINE)
    assert "and 1 more" not in out


def test_options_of_reading_are_refused_for_a_saved_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from smssim import read_log
    from smssim.record.storage import save

    save(read_log(EXPORTS / "western"), tmp_path / "kept")
    assert called(capsys, tmp_path / "kept")[0] == 0
    code, _, err = called(capsys, tmp_path / "kept", "--tz", "UTC")
    assert code == 2
    assert "--tz" in err
    code, out, _ = called(capsys, tmp_path / "kept", "--tariff", EXPORTS / "prices.csv")
    assert code == 0
    assert "BILL, USD" in out


@pytest.mark.parametrize("n", [1, 3, 3_001])
def test_a_log_of_which_nothing_is_usable_fails_and_claims_nothing(
    n: int, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(HEADING + WRONG * n, encoding="utf-8")
    page = tmp_path / "page.html"

    code, out, _ = called(capsys, log, "--tz", "UTC", "--html", page)

    assert code == 1
    assert "Delivered   not known: " in out
    for text in (out, page.read_text(encoding="utf-8")):
        assert f"{n:,} of {n:,} records could not be used" in text
        assert "nothing was requested" not in text


def test_shares_say_what_they_leave_out(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(HEADING + ROW + WRONG, encoding="utf-8")
    page = tmp_path / "page.html"

    code, out, _ = called(capsys, log, "--tz", "UTC", "--html", page)

    assert code == 0
    assert "not counting 1 record left out" in " ".join(out.split())
    assert "not counting 1 record left out" in page.read_text(encoding="utf-8")
