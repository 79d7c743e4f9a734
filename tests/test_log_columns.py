"""Columns to facts: every row is kept or refused once, with all its reasons in order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_tables import NUMBER, details, piece, pieces, reasons, sends

from smssim.logs.columns.statuses import NOT_A_STATUS
from smssim.logs.join.facts import UNKNOWN, Names, ParsedChunk, application_of
from smssim.logs.log import ColumnMappingError

MAY_2024 = 1_714_521_600_000_000
CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        [
            *("", " ", "-", "'", "0", "1", "3", "4", "DELIVRD", "delivrd (ok)", "UNDELIV", "成功"),
            *("2024-05-01 00:00:00", "2024-05-01T00:00:00Z", "31/12/2024 23:59", "１２３", NUMBER),
            *("+62 812-3456-7890", "6.28E+12", "ID", "印尼", "USD", "1,234", "-1", "E200041", "\0"),
        ]
    ),
    st.text(max_size=20),
)
HEADINGS = (
    *("SMS ID", "Phone", "Country", "Send Time", "Status", "Result", "Charged", "Total", "Part"),
    *("Cost", "Currency", "SMS Type", "Report Time", "Application", "Channel", "Source"),
)


def cells(n: int) -> st.SearchStrategy[dict[str, list[str | None]]]:
    """Columns of any texts, n rows."""
    return st.fixed_dictionaries(
        {heading: st.lists(CELLS, min_size=n, max_size=n) for heading in HEADINGS}
    )


def piece_or_remedy(columns: dict[str, list[str | None]]) -> ParsedChunk | str:
    """The piece of a table, or the error of a table that cannot be read as a whole."""
    try:
        return piece(columns, tz="Europe/Berlin")
    except ColumnMappingError as error:
        return str(error)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 6).flatmap(cells))
def test_every_row_is_kept_or_refused_exactly_once(columns: dict[str, list[str | None]]) -> None:
    """Whatever is in the cells; a table that cannot be read as a whole says the remedy."""
    n = len(columns["Phone"])
    found = piece_or_remedy(columns)
    if isinstance(found, str):
        assert "give the format" in found or "decimal or a thousands" in found
        return
    refused = [one.row for one in found.rejected]
    assert sorted([*found.sends["row"].tolist(), *refused]) == list(range(2, n + 2))
    assert found.records == n
    assert not len(found.reports)
    assert all(one.reasons and all(one.reasons) for one in found.rejected)
    assert refused == sorted(refused)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5).flatmap(cells), st.integers(0, 5))
def test_batches_do_not_matter(columns: dict[str, list[str | None]], cut: int) -> None:
    """A table says the same however its rows are cut into batches."""
    columns = columns | {"Send Time": ["2024-05-01 00:00:00"] * len(columns["Phone"])}
    columns["Report Time"] = columns["Send Time"]
    columns["Cost"] = ["1.5"] * len(columns["Phone"])
    parts = [{h: v[:cut] for h, v in columns.items()}, {h: v[cut:] for h, v in columns.items()}]
    whole, apart = pieces(columns, tz="UTC"), pieces(*parts, tz="UTC")
    assert [one for p in whole for one in p.rejected] == [one for p in apart for one in p.rejected]
    assert np.array_equal(whole[0].sends, np.concatenate([p.sends for p in apart]))
    assert sum((p.repaired for p in apart), Counter()) == whole[0].repaired


VALUES: tuple[tuple[st.SearchStrategy[Any], pa.DataType], ...] = (
    (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    (st.integers(0, 2**64 - 1), pa.uint64()),
    (st.integers(0, 127), pa.int8()),
    (st.floats(), pa.float64()),
    (st.floats(width=32), pa.float32()),
    (st.booleans(), pa.bool_()),
    (st.decimals(-(10**6), 10**6, places=9), pa.decimal128(20, 9)),
    (st.binary(max_size=9), pa.binary()),
    (st.text(max_size=9), pa.large_string()),
    (st.sampled_from(["1", "", "ID", NUMBER]), pa.dictionary(pa.int8(), pa.string())),
    (st.integers(-(2**40), 2**40), pa.timestamp("s")),
    (st.integers(-(2**62), 2**62), pa.timestamp("ms", "Asia/Tokyo")),
    (st.integers(-(2**62), 2**62), pa.timestamp("us")),
    (st.integers(-(2**31), 2**31 - 1), pa.date32()),
    (st.integers(0, 86_399), pa.time32("s")),
    (st.integers(0, 2**40), pa.duration("us")),
    (st.lists(st.integers(0, 9), max_size=2), pa.list_(pa.int64())),
    (st.just({"a": 1}), pa.struct([("a", pa.int64())])),
    (st.none(), pa.null()),
)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(HEADINGS), st.integers(1, 4))
def test_columns_of_any_type_are_read(data: st.DataObject, heading: str, n: int) -> None:
    """Parquet and JSON type their columns; a value of another type is one that breaks a rule."""
    values, kind = data.draw(st.sampled_from(VALUES))
    column = pa.array(data.draw(st.lists(values | st.none(), min_size=n, max_size=n)), kind)
    found = piece(details(n, **{heading: column}), tz="UTC")
    assert found.records == n
    kept = [*found.sends["row"].tolist(), *(one.row for one in found.rejected)]
    assert sorted(kept) == list(range(2, n + 2))


def test_a_clean_row_is_packed_as_it_says() -> None:
    """All of a row of an export."""
    names = Names()
    found = piece(
        details(
            **{
                "Country": ["Indonesia"],
                "Template ID": ["t1"],
                "Application": ["shop"],
                "SMS Type": ["1"],
                "Report Time": ["2024-05-01T00:00:09Z"],
                "Result": ["0"],
                "Source": ["2"],
                "Charged": ["0"],
                "Total": ["2"],
                "Sequence": ["1"],
                "Cost": ["0.0455"],
                "Currency": ["USD"],
            }
        ),
        names=names,
    )
    (row,) = found.sends
    assert row["submitted"] == MAY_2024
    assert row["final"] == MAY_2024 + 9_000_000
    assert (row["segments"], row["part"], row["result"], row["source"]) == (2, 1, 0, 2)
    assert (row["stage"], row["cost"], row["sent"]) == (0, 45_500, UNKNOWN)
    assert names.status.names == ["DELIVRD"]
    assert names.country.names == ["ID"]
    assert (names.type.names, names.template.names) == (["otp"], ["t1"])
    assert names.application.names == ["shop"]
    assert not found.rejected


def test_all_reasons_of_a_row_are_told_in_order() -> None:
    """Time, number, codes, order, cost, currency."""
    found = piece(
        details(
            2,
            **{
                "Country": ["Atlantis", "ID"],
                "Phone": ["", "66812345678"],
                "Send Time": ["31/02/2024 10:00", "2024-05-01T00:00:10Z"],
                "Status": ["toolongone", "UNDELIV"],
                "Result": ["7", "3"],
                "Report Time": ["never", "2024-05-01T00:00:08Z"],
                "Cost": ["-1", "-0.5"],
                "Currency": ["USD", "EUR"],
            },
        )
    )
    assert reasons(found.rejected) == {
        0: (
            "Send Time(='31/02/2024 10:00') must be a time, years 2000 to 2099",
            "Report Time(='never') must be a time, years 2000 to 2099",
            "Country(='Atlantis') must be a country: an ISO code, an English or Chinese name",
            f"Status(='toolongone') {NOT_A_STATUS}",
            "Result(='7') must be 0 to 4, or success, failed or sending",
            "Cost(='-1') must be >= 0",
        ),
        1: (
            "Phone(='66812345678') must be a number of Country(='ID')",
            "Status(='UNDELIV') contradicts Result(='3')",
            "Report Time(='2024-05-01T00:00:08Z') must not be before "
            "Send Time(='2024-05-01T00:00:10Z')",
            "Cost(='-0.5') must be >= 0",
            "Currency(='EUR') must be USD, the currency of the log",
        ),
    }
    assert found.rejected[0].text.startswith("m_0|")


def test_a_second_before_is_the_rounding_of_seconds() -> None:
    """Final and received may be a second before submission, not more."""
    columns = sends(
        2,
        **{
            "Send Time": ["2024-05-01T00:00:10.9Z"] * 2,
            "Received At": ["2024-05-01T00:00:10Z", "2024-05-01T00:00:09Z"],
        },
    )
    assert list(reasons(piece(columns).rejected)) == [1]


def test_reports_need_an_id_and_a_status() -> None:
    """And nothing else: one that the platform built has no time."""
    columns = {
        "smsMsgId": ["a_1", "", "a_2", "a_3"],
        "status": ["DELIVRD", "DELIVRD", "", "EXPIRED (no answer)"],
        "updateTime": ["2024-05-01T00:00:00Z", "2024-05-01T00:00:00Z", "", ""],
        "sequence": ["2", "1", "1", "1"],
        "total": ["2", "1", "1", "1"],
        "source": ["2", "", "", "1"],
    }
    found = piece(columns)
    assert found.reports["row"].tolist() == [2, 5]
    assert found.reports["part"].tolist() == [2, 1]
    assert found.reports["final"].tolist() == [MAY_2024, UNKNOWN]
    assert reasons(found.rejected) == {
        1: ("smsMsgId is missing",),
        2: ("status must be said in a delivery report",),
    }
    assert not len(found.sends)


def test_reports_and_sends_of_one_id_have_one_key() -> None:
    """In other files, other batches, other types and with blanks around."""
    ids = ["4b4b34e7-1a9e-42ac-b309-d10997148905_85496076", "x" * 9, "y", "x" * 50, "ü_1"]
    one = piece(sends(5, **{"SMS ID": ids}))
    other = piece({"id": [f" {own} " for own in reversed(ids)], "status": ["DELIVRD"] * 5})
    assert np.array_equal(one.sends["key"], other.reports["key"][::-1])
    assert len(np.unique(one.sends["key"], axis=0)) == 5
    keyed = piece(sends(5, **{"SMS ID": ids}), secret=b"another")
    assert not np.isin(keyed.sends["key"], one.sends["key"]).any()


def test_the_key_of_a_row_without_an_id() -> None:
    """Source, request, recipient and generation; without those, what the row says."""
    own = {
        "submitted_at": ["2024-05-01 00:00:00+00:00"] * 3,
        "source": ["web", "web", "shop"],
        "request": ["5", "5", "5"],
        "recipient": ["0", "0", "0"],
        "resend_number": ["0", "0", "0"],
        "country": ["ID", "TH", "ID"],
        "status": ["DELIVRD"] * 3,
        "refused_at": ["", "", ""],
    }
    keys = piece(own).sends["key"]
    assert np.array_equal(keys[0], keys[1])
    assert not np.array_equal(keys[0], keys[2])
    bare = {"Phone": [NUMBER, NUMBER, "66812345678"], "Send Time": ["2024-05-01T00:00:00Z"] * 3}
    keys = piece(bare).sends["key"]
    assert np.array_equal(keys[0], keys[1])
    assert not np.array_equal(keys[0], keys[2])


def test_our_own_table_is_read_as_it_is_written() -> None:
    """Its source is a name, its recipient a place in a request, its cost in millionths."""
    names = Names()
    columns = {
        "submitted_at": ["2024-05-01 00:00:00+00:00"],
        "source": ["web"],
        "request": ["476255000001"],
        "recipient": ["3"],
        "resend_number": ["1"],
        "application": ["shop"],
        "template": ["t"],
        "type": ["otp"],
        "country": ["ID"],
        "segments": ["2"],
        "refused_at": ["number"],
        "status": ["E200041"],
        "report_source": [""],
        "sent_at": [""],
        "final_at": ["2024-05-01 00:00:00.000001+00:00"],
        "covered_segments": ["1"],
        "package": [""],
        "cost_micro": ["45500"],
    }
    (row,) = piece(columns, names=names).sends
    assert (row["request"], row["recipient"], row["resend_number"]) == (476_255_000_001, 3, 1)
    assert (row["stage"], row["covered"], row["cost"], row["segments"]) == (2, 1, 45_500, 2)
    assert row["final"] == MAY_2024 + 1
    assert names.origin.names == ["web"]


def test_requests_are_whole_numbers() -> None:
    """Whatever their type; each wrong one is refused with its value."""
    own = {
        "submitted_at": ["2024-05-01T00:00:00Z"] * 4,
        "request": ["5", "476255000001", "", "-1"],
        "recipient": pa.array([0.0, 7.0, None, 0.5]),
        "resend_number": pa.array([0, 1, 2, 200]),
        "country": ["ID"] * 4,
        "refused_at": ["platform", "", "", ""],
        "status": ["E200032"] * 4,
    }
    found = piece(own)
    assert found.sends["request"].tolist() == [5, 476_255_000_001, -1]
    assert found.sends["recipient"].tolist() == [0, 7, 0]
    assert found.sends["stage"].tolist() == [3, 0, 0]
    ((request, recipient, generation),) = reasons(found.rejected).values()
    assert request.startswith("request(='-1') must be a whole number from 0 to")
    assert recipient.startswith("recipient(='0.5') must be a whole number from 0 to 2147483647")
    assert generation == "resend_number(='200') must be a whole number from 0 to 127"


@pytest.mark.parametrize(
    ("columns", "place", "status"),
    [
        ({"Status": ["DELIVRD"], "Result": ["0"]}, 0, "DELIVRD"),
        ({"Status": ["E200032"]}, 3, "E200032"),
        ({"Status": ["E200041"]}, 2, "E200041"),
        ({"Status": ["E000620"]}, 1, "E000620"),
        ({"Status": ["UNDELIV"]}, 0, "UNDELIV"),
        ({"Status": ["UNDELIV"], "Source": ["3"]}, 3, "UNDELIV"),
        ({"Status": ["UNDELIV"], "Charged": ["1"]}, 3, "UNDELIV"),
        ({"Status": ["XY:0042"]}, 0, "XY:0042"),
        ({"Status": ["undeliv"]}, 0, "UNDELIV"),
        ({"Status": ["Delivered"]}, 0, "DELIVRD"),
        ({"Status": ["失败"]}, 0, "FAILED"),
        ({"Status": [""], "Result": ["3"]}, 0, "DELIVRD"),
        ({"Status": [""], "Result": ["4"]}, 0, "FAILED"),
        ({"Status": [""], "Result": ["4"], "Charged": ["1"]}, 3, "FAILED"),
        ({"Status": [""], "Result": ["2"]}, 0, None),
        ({"Status": ["ACCEPTD"], "Result": ["2"]}, 0, "ACCEPTD"),
        ({"Status": ["000000"]}, 0, None),
    ],
)
def test_place_and_status(columns: dict[str, Any], place: int, status: str | None) -> None:
    """What a row says of both (docs/logs.md section 3)."""
    names = Names()
    (row,) = piece(details(**columns), names=names).sends
    assert row["stage"] == place
    assert (names.status.names[row["status"]] if row["status"] >= 0 else None) == status


@pytest.mark.parametrize(
    "columns",
    [
        {"Status": ["DELIVRD"], "Result": ["1"]},
        {"Status": ["DELIVRD"], "Result": ["4"]},
        {"Status": ["DELIVRD"], "Result": ["2"]},
        {"Status": ["DELIVRD"], "Result": ["failed"]},
        {"Status": ["UNDELIV"], "Result": ["0"]},
        {"Status": ["UNDELIV"], "Result": ["3"]},
        {"Status": ["UNDELIV"], "Result": ["2"]},
        {"Status": ["DELIVRD"], "Charged": ["1"]},
        {"Status": [""], "Result": ["0"], "Charged": ["no"]},
    ],
)
def test_contradictions_are_refused(columns: dict[str, Any]) -> None:
    """A status against its result, per delivered message that was not charged."""
    (told,) = reasons(piece(details(**columns)).rejected).values()
    assert [("contradicts" in reason) for reason in told] == [True]


def test_codes_in_words_and_types() -> None:
    """English, Chinese, numbers and categories mean the same."""
    names = Names()
    types = pa.array(["1", "OTP", "验证码", None, "3", "Survey"]).dictionary_encode()
    columns = details(
        6,
        **{
            "SMS Type": types,
            "Charged": pa.array([True, True, False, None, True, True]),
            "Status": ["", "", "UNDELIV", "", "", ""],
            "Result": ["成功", "success", "1", "2", "发送中", "0"],
            "Total": pa.array([1, 2, None, 3.0, 4, 99]),
        },
    )
    found = piece(columns, names=names)
    assert not found.rejected
    told = [names.type.names[code] if code >= 0 else None for code in found.sends["type"]]
    assert told == ["otp", "otp", "otp", None, "notification", "Survey"]
    assert found.sends["result"].tolist() == [-1, -1, 1, 2, -1, 0]
    assert found.sends["stage"].tolist() == [0, 0, 3, 0, 0, 0]
    assert found.sends["segments"].tolist() == [1, 2, 0, 3, 4, 99]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Part", ["0", "100", "one", "²"]),
        ("Source", ["0", "4", "SMSC", "-1"]),
        ("Charged", ["2", "perhaps", "-1", "10"]),
        ("Currency", ["US", "DOLLAR", "$", "U$D"]),
    ],
)
def test_codes_that_are_none(column: str, values: list[str]) -> None:
    """Each is told with its heading and its value."""
    found = piece(details(4, **{column: values}))
    assert len(found.rejected) == 4
    for one, value in zip(found.rejected, values, strict=True):
        assert one.reasons[0].startswith(f"{column}(={value!r}) must be")


def test_words_that_explain_a_digit_are_dropped() -> None:
    """As a console shows a code with its meaning; a digit with other digits is no code."""
    names = Names()
    columns = details(
        5,
        **{
            "SMS Type": ["1 (OTP)", "3: notification", "2-promotional", "1（验证码）", "1-2"],
            "Result": ["0 (success)", "1 - failed", "2: sending", "3（成功）", "4.failed"],
            "Charged": ["0 (charged)", "1: no", "", "", ""],
            "Status": [""] * 5,
        },
    )
    found = piece(columns, names=names)
    assert not found.rejected
    told = [names.type.names[code] for code in found.sends["type"]]
    assert told == ["otp", "notification", "promotional", "otp", "1-2"]
    assert found.sends["result"].tolist() == [0, 1, 2, 3, 4]
    refused = piece(details(3, Result=["0-4", "0 1", "0 / 3"])).rejected
    assert len(refused) == 3


def test_the_part_is_one_of_the_segments() -> None:
    """The third of two is none."""
    found = piece(details(2, **{"Total": ["2", "0"], "Part": ["3", "3"]}))
    assert reasons(found.rejected) == {0: ("Part(='3') must not exceed Total(='2')",)}


def test_repairs_are_counted_by_name() -> None:
    """Every value that was repaired, once for every repair."""
    columns = details(
        3,
        **{
            "Phone": [f"'{NUMBER}", f" {NUMBER}", "６２８１２３４５６７８９０"],
            "Status": ["delivrd", " DELIVRD", "DELIVRD\u00a0"],
            "Cost": ["1,234.50", "2.5", "0"],
        },
    )
    found = piece(columns)
    assert not found.rejected
    assert len(np.unique(found.sends["number"])) == 1
    assert found.repaired == {
        "leading apostrophes": 1,
        "blanks at the ends": 3,
        "full-width characters": 1,
        "non-breaking blanks": 1,
        "lower-case codes": 1,
        "thousands marks": 1,
    }


def test_the_channel_stands_in_for_the_application() -> None:
    """Row by row."""
    names = Names()
    found = piece(sends(2, Application=["shop", ""], Channel=["isms1", "isms2"]), names=names)
    codes = found.sends["application"]
    assert [names.application.names[i] for i in application_of(codes)] == ["shop", "isms2"]
    assert codes[0] >= 0 > codes[1], "another row's application goes before a channel"


def test_refused_rows_of_the_file_stay_in_order() -> None:
    """What the reader of files refused goes along with what is refused here."""
    from smssim.logs.columns.headings import match
    from smssim.logs.columns.rows import Parser
    from smssim.logs.files.table import Batch, Table
    from smssim.logs.join.facts import RejectedRow

    columns = {h: pa.array(v) for h, v in sends(2, Phone=["x", "y"]).items()}
    cut = RejectedRow(3, ("cut",), "half a line")
    batch = Batch(1, np.array([2, 4]), columns, (cut,), str)
    table = Table("a", tuple(columns), lambda: iter([batch]), {})
    parser = Parser(match(table.headings), Names(), None, b"", file=7)
    (found,) = parser.pieces(table)
    assert [one.row for one in found.rejected] == [2, 3, 4]
    assert found.records == 3
