"""Columns of times: any instant in any documented form and zone comes back as itself."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_tables import piece, pieces, reasons, sends

import smssim
from smssim.logs.columns.time_formats import offset_s, zone
from smssim.logs.columns.times import TimeColumn, TimeFormat
from smssim.logs.join.facts import UNKNOWN
from smssim.logs.log import ColumnMappingError

ZONES = ("UTC", "UTC+8", "-03:30", "Asia/Shanghai", "Europe/Berlin", "America/St_Johns")
ZONES += ("Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu")
INSTANTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)).map(
    lambda when: when.replace(tzinfo=UTC)
)


def clock(name: str) -> tzinfo:
    """The zone of a name, by the standard library."""
    fixed = {"UTC+8": timedelta(hours=8), "-03:30": -timedelta(hours=3, minutes=30)}
    return timezone(fixed[name]) if name in fixed else ZoneInfo(name)


def micros(when: datetime) -> int:
    """Microseconds since 1970."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def half(t: datetime) -> str:
    """The half of the day in Chinese."""
    return "上午" if t.hour < 12 else "下午"


def fraction(t: datetime) -> str:
    """A second's decimals, as many as it has."""
    return f".{t.microsecond:06d}".rstrip("0").rstrip(".")


WHOLE: dict[str, Any] = {
    "iso": lambda t: t.isoformat(" ", "seconds"),
    "iso T": lambda t: t.isoformat("T", "seconds"),
    "slashes": lambda t: f"{t:%Y/%m/%d %H:%M:%S}",
    "points": lambda t: f"{t:%Y.%m.%d %H:%M:%S}",
    "short": lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t:%M:%S}",
    "chinese": lambda t: f"{t.year}年{t.month}月{t.day}日 {t:%H:%M:%S}",
    "chinese words": lambda t: f"{t:%Y年%m月%d日%H时%M分%S秒}",
    "chinese halves": lambda t: f"{t:%Y-%m-%d} {half(t)}{t:%I:%M:%S}",
    "am pm": lambda t: f"{t:%Y-%m-%d %I:%M:%S %p}",
    "am pm small": lambda t: f"{t:%Y-%m-%d} {(t.hour - 1) % 12 + 1}:{t:%M:%S}{t:%p}".lower(),
    "wide": lambda t: f"{t:%Y-%m-%d %H：%M：%S}",
    "apostrophe": lambda t: f"'{t:%Y-%m-%d %H:%M:%S} ",
    "microseconds": lambda t: f"{t:%Y-%m-%d %H:%M:%S}{fraction(t)}",
}
MINUTES: dict[str, Any] = {
    "iso": lambda t: f"{t:%Y-%m-%d %H:%M}",
    "day first": lambda t: f"{t:%d/%m/%Y %H:%M}",
    "month first": lambda t: f"{t.month}/{t.day}/{t:%Y %I:%M %p}",
}


def read(column: Any, tz: str | None = None, form: str | None = None) -> Any:
    """The instants of a column and its wrong rows."""
    reader = TimeColumn("Time", TimeFormat((form,) if form else (), tz))
    array = column if isinstance(column, pa.Array) else pa.array(column, pa.string())
    reader.inspect(array)
    return reader.read(array, Counter())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(INSTANTS, st.sampled_from(sorted(WHOLE))), min_size=1, max_size=40),
    st.sampled_from(ZONES),
)
def test_any_instant_in_any_form_and_zone(rows: list[tuple[datetime, str]], name: str) -> None:
    """Forms may be mixed in a column; what clocks show twice is refused, all else comes back."""
    texts, wanted = [], []
    for when, form in rows:
        when = when if form == "microseconds" else when.replace(microsecond=0)
        shown = when.astimezone(clock(name)).replace(tzinfo=None)
        other = [shown.replace(tzinfo=clock(name), fold=fold).utcoffset() for fold in (0, 1)]
        if shown.year not in range(2000, 2100):
            continue
        texts.append(WHOLE[form](shown))
        wanted.append(micros(when) if other[0] == other[1] else UNKNOWN)
    times, wrong = read(texts, name)
    assert times.tolist() == wanted
    assert [row for row, _ in wrong] == [i for i, us in enumerate(wanted) if us == UNKNOWN]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(INSTANTS, min_size=1, max_size=20),
    st.sampled_from(["Z", "z", "+08:00", "+0800", "-03", " +05:45", " UTC", "GMT+8", "-03:30"]),
    st.booleans(),
)
def test_offsets_go_before_every_zone(instants: list[datetime], offset: str, t: bool) -> None:
    """A value that says its offset needs no zone and heeds none."""
    seconds = offset_s(offset)
    assert seconds is not None
    shown = [when.astimezone(timezone(timedelta(seconds=seconds))) for when in instants]
    kept = [when for when in shown if when.year in range(2000, 2100)]
    texts = [when.replace(tzinfo=None).isoformat("T" if t else " ") + offset for when in kept]
    for tz in (None, "Europe/Berlin"):
        assert read(texts, tz)[0].tolist() == [micros(when) for when in kept]


@settings(max_examples=60, deadline=None)
@given(st.lists(INSTANTS, min_size=1, max_size=20), st.sampled_from(["day first", "month first"]))
def test_one_value_decides_the_order_of_day_and_month(instants: list[datetime], form: str) -> None:
    """A day above 12 anywhere in the first batch that has one."""
    instants = [when.replace(second=0, microsecond=0) for when in instants]
    instants.append(datetime(2024, 5, 13, 12, 30, tzinfo=UTC))
    assert read([MINUTES[form](when) for when in instants], "UTC")[0].tolist() == [
        micros(when) for when in instants
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(INSTANTS, min_size=1, max_size=20), st.booleans(), st.booleans())
def test_seconds_and_milliseconds_since_1970(
    instants: list[datetime], milli: bool, typed: bool
) -> None:
    """As texts or as numbers, without any zone."""
    counts = [micros(when) // (1000 if milli else 1_000_000) for when in instants]
    column = pa.array(counts) if typed else [str(count) for count in counts]
    factor = 1000 if milli else 1_000_000
    assert read(column)[0].tolist() == [count * factor for count in counts]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=30) | st.none(), max_size=30))
def test_no_text_raises(texts: list[str | None]) -> None:
    """A value is a time, nothing, or wrong with its reason."""
    times, wrong = read(texts, "Asia/Shanghai")
    assert len(times) == len(texts)
    assert all(times[row] == UNKNOWN and "Time(=" in reason for row, reason in wrong)


def test_many_forms_and_many_wrong_values() -> None:
    """Beyond the forms that are tried one after the other."""
    when = datetime(2024, 5, 13, 1, 2, 3, tzinfo=UTC)
    texts = [f"bad {i}" for i in range(200)]
    forms = [WHOLE[form](when.replace(tzinfo=None)) for form in WHOLE]
    offsets = [f"2024-05-13T01:02:03+{i // 60:02d}:{i % 60:02d}" for i in range(300)]
    times, wrong = read(texts + forms + offsets, "UTC")
    assert [row for row, _ in wrong] == list(range(200))
    assert (times[200 : 200 + len(forms)] == micros(when)).all()
    assert times[200 + len(forms) :].tolist() == [micros(when) - i * 60_000_000 for i in range(300)]


@pytest.mark.parametrize(
    "text",
    [
        *("2024-02-30 00:00:00", "2023-02-29 00:00:00", "2024-13-01 00:00:00"),
        *("2024-05-01 24:00:00", "2024-05-01 12:60:00", "2024-05-01 12:00:60"),
        *("1999-12-31 23:59:59", "2100-01-01 00:00:00", "2024-05-01 13:00:00 PM"),
        *("2024-05-01 0:00 AM", "2024-05-01", "12:00:00", "2024-05-01 12", "2024-00-01 00:00:00"),
        *("2024-05/01 12:00:00", "17145216000", "946684799", "4102444800", "2024-05-01 12:00:00."),
        *("2024-05-01 12:00:00.1234567890", "2024-05-01 12:00:00+25:00", "上午 2024-05-01 09:00"),
        *("２０２４-05-01", "2024-05-01 1２:00:00x", "2024-05-01 上午9:00 AM", "9" * 30),
    ],
)
def test_what_is_no_time(text: str) -> None:
    """Each with its value in the reason."""
    times, wrong = read([text, "2024-05-01 00:00:00"], "UTC")
    assert times[0] == UNKNOWN
    assert times[1] > 0
    ((row, reason),) = wrong
    assert row == 0
    assert reason.startswith("Time(=")
    assert "must be a time" in reason


def test_what_stands_for_nothing() -> None:
    """Is neither a time nor wrong."""
    times, wrong = read([None, "", " ", "-", "--", "null", "N/A", "NaT"], "UTC")
    assert (times == UNKNOWN).all()
    assert not wrong


def test_naive_times_ask_for_their_zone() -> None:
    """The file does not say: the error names the column and --tz."""
    with pytest.raises(ColumnMappingError, match=r"'Send Time' \(like '2024-05-01 10:00'\).*--tz"):
        piece(sends(**{"Send Time": ["2024-05-01 10:00"]}))


def test_the_zone_of_the_heading_goes_before_tz() -> None:
    """And an offset before both."""
    columns = {
        "Send Time (UTC+8)": ["2024-05-01 08:00", "2024-05-01 08:00Z"],
        "Phone": ["6281234567890"] * 2,
    }
    (first, second) = piece(columns, tz="America/New_York").sends["submitted"].tolist()
    assert first == micros(datetime(2024, 5, 1, tzinfo=UTC))
    assert second - first == 8 * 3_600_000_000


def test_clocks_that_were_put_back_or_forward() -> None:
    """Twice and never are refused by row."""
    texts = ["2024-03-31 02:30", "2024-10-27 02:30", "2024-10-27 03:00", "2024-10-27 01:59"]
    refused = piece(sends(4, **{"Send Time": texts}), tz="Europe/Berlin").rejected
    assert list(reasons(refused)) == [0, 1]
    assert "must be a time that the clocks of Europe/Berlin showed once" in refused[0].reasons[0]


def test_an_order_that_nothing_decides_is_an_error() -> None:
    """With the format as remedy, which then decides."""
    texts = ["01/05/2024 10:00", "02/05/2024 10:00", "05/05/2024 10:00"]
    columns = sends(3, **{"Send Time": texts})
    with pytest.raises(
        ColumnMappingError, match=r"whether the day or the month comes first: give the"
    ):
        piece(columns, tz="UTC")
    mapping = {"submitted": {"heading": "Send Time", "format": "%d/%m/%Y %H:%M"}}
    found = piece(columns, tz="UTC", mapping=mapping).sends["submitted"].tolist()
    assert found[0] == micros(datetime(2024, 5, 1, 10, tzinfo=UTC))
    same = sends(1, **{"Send Time": ["05/05/2024 10:00"]})
    assert len(piece(same, tz="UTC").sends) == 1


def test_batches_wait_for_the_value_that_decides() -> None:
    """Those before it are read by it, in order."""
    first = sends(1, **{"Send Time": ["01/05/2024 10:00"]})
    plain = sends(1, **{"Send Time": ["2024-05-02 10:00"]})
    later = sends(1, **{"Send Time": ["13/05/2024 10:00"]})
    found = pieces(plain, first, plain, later, tz="UTC")
    days = [p.sends["submitted"][0] // 86_400_000_000 for p in found]
    assert [day - days[1] for day in days] == [1, 0, 1, 12]
    assert [p.sends["row"][0] for p in found] == [2, 3, 4, 5]


def test_another_column_of_the_table_decides_too() -> None:
    """A table is written by one program."""
    columns = sends(
        **{"Send Time": ["01/05/2024 10:00"], "Received At": ["13/05/2024 10:00"]},
    )
    (row,) = piece(columns, tz="UTC").sends
    assert row["received"] - row["submitted"] == 12 * 86_400_000_000


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d.%m.%y %I:%M %p", "13.05.24 05:06 pm"),
        ("%d-%b-%Y %H:%M:%S", "13-May-2024 17:06:00"),
        ("%B %d, %Y %H:%M", "May 13, 2024 17:06"),
        ("%Y%m%d%H%M%S", "20240513170600"),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-05-13T19:06:00.000000+0200"),
        ("100%% %Y %m %d %H %M", "100% 2024 05 13 17 06"),
    ],
)
def test_formats_that_are_given(form: str, text: str) -> None:
    """Of strptime's directives, as far as they say a whole time."""
    times, wrong = read([text, "2024-05-13 17:06:00x"], "UTC", form)
    assert times[0] == micros(datetime(2024, 5, 13, 17, 6, tzinfo=UTC))
    assert [row for row, _ in wrong] == [1]


def test_typed_columns() -> None:
    """Timestamps with and without a zone, dates, and what is beyond the years."""
    stamps = np.array(["2024-05-01T08:00", "NaT", "1999-12-31"], "datetime64[us]")
    wanted = micros(datetime(2024, 5, 1, tzinfo=UTC))
    for unit in ("s", "ms", "us", "ns"):
        times, wrong = read(pa.array(stamps.astype(f"datetime64[{unit}]")), "UTC+8")
        assert times.tolist() == [wanted, UNKNOWN, UNKNOWN]
        assert [row for row, _ in wrong] == [2]
    zoned = pa.array(stamps).cast(pa.timestamp("us", "America/New_York"))
    assert read(zoned)[0][0] == wanted + 8 * 3_600_000_000
    times, wrong = read(pa.array([19_844], pa.date32()), "UTC")
    assert times.tolist() == [UNKNOWN]
    assert "must be a time" in wrong[0][1]
    assert read(pa.array([1_714_521_600.0, float("nan"), None]))[0].tolist() == [
        wanted,
        UNKNOWN,
        UNKNOWN,
    ]


@pytest.mark.parametrize("name", ["Europe/Berlin", "Africa/Casablanca", "Australia/Lord_Howe"])
def test_changes_of_clocks_are_those_of_the_standard_library(name: str) -> None:
    """Around each change of twenty years, to the second: shown once, twice or never."""
    tz, epoch = ZoneInfo(name), datetime(1970, 1, 1)
    hours = [datetime(2015, 1, 1, tzinfo=UTC) + timedelta(hours=i) for i in range(20 * 8_766)]
    offsets = [when.astimezone(tz).utcoffset() or timedelta() for when in hours]
    around = {
        when.replace(tzinfo=None) + offset + timedelta(seconds=off)
        for when, before, after in zip(hours[1:], offsets, offsets[1:], strict=False)
        if before != after
        for offset in (before, after)
        for off in (-1, 0, 1)
    }
    assert len(around) > 100
    for local in sorted(around):
        at = (local - epoch) // timedelta(microseconds=1)
        both = {local.replace(tzinfo=tz, fold=fold).utcoffset() for fold in (0, 1)}
        instants, once = zone(name).instants(np.array([at]))
        assert once[0] == (len(both) == 1), (name, local)
        if once[0]:
            assert instants[0] == at - (both.pop() or timedelta()) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("13-May-24 17:06:09", "2024-05-13T17:06:09"),
        ("13-MAY-2024 5:06 PM", "2024-05-13T17:06"),
        ("13 May 2024 17:06:09", "2024-05-13T17:06:09"),
        ("May 13, 2024 17:06:09", "2024-05-13T17:06:09"),
        ("2024-05-13T17:06:09.1234567Z", "2024-05-13T17:06:09.123456"),
        ("2024-05-13T17:06:09.123456789Z", "2024-05-13T17:06:09.123456"),
        ("2024-05-13T17:06:09.1Z", "2024-05-13T17:06:09.1"),
        ("20240513170609", "2024-05-13T17:06:09"),
        ("202405131706", "2024-05-13T17:06"),
    ],
)
def test_more_that_programs_write(text: str, clock: str) -> None:
    """Months in words, any decimals, digits alone."""
    assert read([text], "UTC")[0].tolist() == [micros(datetime.fromisoformat(clock + "+00:00"))]


@pytest.mark.parametrize(
    "text",
    [
        *("0000-00-00 00:00:00", "0001-01-01T00:00:00Z", "1970-01-01 00:00:00", "0", "None"),
        *("1970-01-01 08:00:00", "1970-01-01T00:00:00.000Z", "1969-12-31 19:00:00", "0000-00-00"),
        *("1899-12-30 00:00:00", "1900-01-00 00:00:00", "1900-01-01 00:00:00"),
    ],
)
def test_zero_is_no_time(text: str) -> None:
    """By any system's count: nothing is stated, and nothing is wrong."""
    times, wrong = read([text, "2024-05-01 00:00:00"], "UTC")
    assert times[0] == UNKNOWN
    assert not wrong


def test_dates_alone_are_no_times_but_in_workbooks() -> None:
    """There a cell of 00:00:00 is a date, and the column's other cells show that it has a clock."""
    texts = ["2026-03-02", "2026-03-02 00:00:01"]
    assert len(read(texts, "UTC")[1]) == 1
    reader = TimeColumn("Time", TimeFormat((), "UTC"))
    reader.dates_are_midnights = True
    column = pa.array(texts)
    reader.inspect(column)
    assert np.diff(reader.read(column, Counter())[0]).tolist() == [1_000_000]


def test_ten_digits_have_two_meanings() -> None:
    """Seconds since 1970, or YYMMDDhhmm: one that is no date, or is to come, decides."""
    packed = ["2603011001", "2603011159"]
    wanted = [micros(datetime(2026, 3, 1, 10, 1, tzinfo=UTC)), 0]
    assert read(packed, "UTC")[0].tolist()[0] == wanted[0]
    assert read(["1714521600", "1712310559"])[0].tolist() == [
        1_714_521_600_000_000,
        1_712_310_559_000_000,
    ]
    columns = sends(1, **{"Send Time": ["1712310559"]})
    with pytest.raises(ColumnMappingError, match="may be seconds since 1970 or YYMMDDhhmm"):
        piece(columns, tz="UTC")
    for form, us in (("%s", 1_712_310_559_000_000), ("%y%m%d%H%M", 1_514_699_940_000_000)):
        mapping = {"submitted": {"heading": "Send Time", "format": form}}
        assert piece(columns, tz="UTC", mapping=mapping).sends["submitted"].tolist() == [us]


def test_one_odd_time_is_one_row() -> None:
    """Among ISO times it is rejected by name; `day_first`, or a format, decides it."""
    texts = ["2024-04-01 10:00:00", "03/04/2024 10:00:00", "2024-04-05 10:00:00"]
    columns = sends(3, **{"Send Time": texts})
    refused = piece(columns, tz="UTC").rejected
    assert list(reasons(refused)) == [1]
    assert "does not show whether the day or the month comes first" in refused[0].reasons[0]
    for how, day in (
        ({"day_first": True}, 3),
        ({"format": "%d/%m/%Y %H:%M:%S"}, 3),
        ({"format": ["%m/%d/%Y %H:%M:%S", "%d.%m.%y %H:%M"]}, 4),
    ):
        mapping = {"submitted": {"heading": "Send Time", **how}}
        times = piece(columns, tz="UTC", mapping=mapping).sends["submitted"].tolist()
        month = 4 if day == 3 else 3
        assert times[1] == micros(datetime(2024, month, day, 10, tzinfo=UTC))
        assert times[0] == micros(datetime(2024, 4, 1, 10, tzinfo=UTC))


def test_a_zone_of_one_column() -> None:
    """It goes before the heading's and before tz."""
    columns = sends(
        1,
        **{"Send Time": ["2024-05-01 10:00:00"], "Report Time": ["2024-05-01 18:00:05"]},
        Status=["DELIVRD"],
    )
    mapping = {"final": {"heading": "Report Time", "zone": "UTC+8"}}
    (row,) = piece(columns, tz="UTC", mapping=mapping).sends
    assert row["final"] - row["submitted"] == 5_000_000


@pytest.mark.parametrize(
    ("texts", "step"),
    [
        ([f"2024-05-01 10:{i:02d}" for i in range(5)], 60),
        ([f"2024-05-01 10:{i:02d}:00" for i in range(12)], 60),
        ([f"2024-05-01 10:{i:02d}:00" for i in range(5)], 1),
        ([f"2024-05-01 10:00:{i:02d}" for i in range(12)], 1),
        (["2024-05-01 10:00:00"] * 500, 1),
        ([f"2024-05-01 10:00:{i:02d}" for i in range(1, 50)] + ["2024-05-01T10:01"], 1),
        ([f"2024-05-01 10:00:{i:02d}" for i in range(50)] + ["2024-05-01T10:01"] * 20, 60),
    ],
)
def test_times_have_a_resolution(texts: list[str], step: int) -> None:
    """Minutes as they are written, or as all values show; Java leaves ":00" out, which is exact."""
    reader = TimeColumn("Time", TimeFormat((), "UTC"))
    reader.read(pa.array(texts), Counter())
    assert reader.resolution.step_us == step * 1_000_000


def test_what_times_cannot_be_together(tmp_path: Path) -> None:
    """Of two zones, late or early; after 72 h; to come: each is a warning of the log."""

    def warnings(*pairs: tuple[str, str]) -> str:
        rows = [f"a{i},+62812345678{i:02d},{a},{b},DELIVRD" for i, (a, b) in enumerate(pairs)]
        path = tmp_path / "log.csv"
        path.write_text("\n".join(["SMS ID,Phone,Send Time,Report Time,Status", *rows]))
        return " ".join(smssim.read_log(path, tz="UTC").provenance["warnings"])

    exact = [(f"2026-03-01 10:00:{i:02d}", f"2026-03-01 10:00:{i + 5:02d}") for i in range(20)]
    assert warnings(*exact) == ""
    assert "at least 8.0 h after 'Send Time'" in warnings(
        *((sent, final.replace("10:", "18:", 1)) for sent, final in exact)
    )
    early = warnings(*((sent, final.replace("10:", "02:", 1)) for sent, final in exact))
    assert "before 'Send Time' in 20 of 20 rows" in early
    late = ("2026-03-01 10:00:00", "2026-03-05 10:00:00")
    assert "more than 72 h" in warnings(*exact, late)
    assert "1 rows have a time that is still to come" in warnings(
        *exact, ("2098-03-01 10:00:00", "")
    )
