"""The console's sending details as text: a folder of windows, and a Chinese file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from exporter import dirt
from exporter.line import Line, Raw
from exporter.month import seconds, window
from exporter.text import GMT8_S, Form, Sheet, time_as
from smssim.sms.reference import countries

DAY_S = 86_400
LIMIT = 10_000
SEVEN_DAYS = ("2026-04-10", "2026-04-16", "2026-04-22", "2026-04-28", "2026-05-04")
TYPES = {"otp": "1", "notification": "3"}
ENGLISH: dict[str, Callable[..., str]] = {
    "country": lambda iso2: countries()[iso2].name,
    "type": TYPES.__getitem__,
    "charged": lambda charged: "0" if charged else "1",
}
CHINESE = {
    "ID": "印度尼西亚",
    "TH": "泰国",
    "IN": "印度",
    "PH": "菲律宾",
    "SG": "新加坡",
    "VN": "越南",
    "MY": "马来西亚",
}
CONSOLE = Form(
    (
        ("No.", "no"),
        ("SMS ID", "id"),
        ("Recipient Number", "number"),
        ("Country/Region", "country"),
        ("Application Name", "application"),
        ("Template ID", "template"),
        ("SMS Type", "type"),
        ("Send Time", "submitted"),
        ("Sending Result", "result"),
        ("Status Code", "status"),
        ("Charged or Not", "charged"),
    ),
    ENGLISH | {"submitted": time_as("%Y-%m-%d %H:%M:%S", GMT8_S)},
    mark=b"\xef\xbb\xbf",
)
MAINLAND = Form(
    (
        ("序号", "no"),
        ("短信ID", "id"),
        ("接收号码", "number"),
        ("国家/地区", "country"),
        ("应用名称", "application"),
        ("模板ID", "template"),
        ("短信类型", "type"),
        ("发送时间（GMT+8）", "submitted"),
        ("发送结果", "result"),
        ("状态码", "status"),
        ("状态时间（GMT+8）", "final"),
        ("是否计费", "charged"),
        ("拆分条数", "segments"),
    ),
    {
        "country": CHINESE.__getitem__,
        "type": {"otp": "验证码", "notification": "通知"}.__getitem__,
        "submitted": time_as("%Y年%m月%d日 %H:%M:%S", GMT8_S),
        "final": time_as("%Y年%m月%d日 %H:%M:%S", GMT8_S),
        "result": lambda result: {0: "成功", 1: "失败", 2: "发送中", 3: "成功", 4: "失败"}.get(
            result, "不详"
        ),
        "charged": lambda charged: "是" if charged else "否",
    },
    separator="\t",
    encoding="gb18030",
)
BROKEN = (
    (dirt.broken("cut"), 4, lambda line: True),
    (dirt.broken("wide"), 3, lambda line: True),
    (dirt.broken("bytes"), 3, lambda line: True),
)
ONE_LINE = (
    (dirt.refused("time", submitted=Raw("2026-04-31 10:00:00")), 3, lambda line: True),
    (dirt.refused("charged", charged=Raw("2")), 2, lambda line: True),
    (dirt.refused("status", status=Raw("DELIVERED!")), 3, dirt.is_delivered),
    (dirt.two_reasons, 2, lambda line: True),
    (dirt.rounded_number, 3, lambda line: True),
    (dirt.formula, 2, dirt.is_lone),
    (dirt.repaired, 5, lambda line: True),
)
ROUNDED = (
    (
        dirt.refused("scientific", number=Raw("6.28123E+14"), country=None),
        2,
        lambda line: True,
    ),
)


def console(folder: Path, month: list[Line]) -> list[Line]:
    """Five windows of seven days that overlap by one, one of them cut at 10,000 records."""
    records: list[Line] = []
    for turn, day in enumerate(SEVEN_DAYS):
        first = seconds(day) - GMT8_S
        until = first + 7 * DAY_S
        lines = list(window(month, first, until, until + 3_600))
        # What one file alone holds: elsewhere a broken line would stand in the other file.
        alone = range(first + (DAY_S if turn else 0), until - DAY_S)
        records += _window(folder, turn, day, _soiled(lines, turn, alone))
    return records


def _soiled(lines: list[Line], turn: int, alone: range) -> list[Line]:
    kinds = (*dirt.ANY_FORM, *BROKEN, *ONE_LINE, *ROUNDED)
    return dirt.soiled(
        lines, kinds, f"console {turn}", lambda line: line.said["submitted"] in alone
    )


def _window(folder: Path, turn: int, day: str, rows: list[Line]) -> list[Line]:
    cut = len(rows) > LIMIT
    name = f"console/sending_details_{day}.csv" + ("" if turn == 4 else ".gz")
    sheet = Sheet(CONSOLE, name, ("Sending Details", f"From {day}, 7 days", ""))
    rows = rows[:LIMIT]
    middle = _between_messages(rows, len(rows) // 2)
    for i, row in enumerate(rows):
        if turn == 3 and i == middle:
            sheet.head_again()
        if turn == 4 and i == 100:
            row.broken, row.reasons = "quote", ["quote"]
        sheet.add(row)
    if not cut:
        empty = CONSOLE.separator * (len(CONSOLE.columns) - 1)
        sheet.pass_over(empty)
        sheet.pass_over(f"Total{empty}{len(rows)}")
    sheet.write(folder)
    return sheet.records


def _between_messages(rows: list[Line], place: int) -> int:
    while rows[place].said["id"] == rows[place - 1].said["id"]:
        place += 1
    return place


def chinese(folder: Path, month: list[Line]) -> list[Line]:
    """The whole month in one file, as it comes by ticket."""
    unreadable = ("cut", 4), ("wide", 3)
    kinds = [(dirt.broken(how), n, lambda line: True) for how, n in unreadable]
    lines = [line.copy() for line in month]
    rows = dirt.soiled(lines, (*dirt.ANY_FORM, *kinds, *ONE_LINE, *ROUNDED, *TIMED), "chinese")
    sheet = Sheet(MAINLAND, "chinese/发送详情.txt.gz")
    for row in rows:
        sheet.add(row)
    sheet.pass_over(f"合计\t\t\t\t\t\t\t\t\t\t\t\t{len(rows)}")
    sheet.write(folder)
    return sheet.records


def _has_final(line: Line) -> bool:
    return line.said["final"] is not None


TIMED = (
    (dirt.before, 3, _has_final),
    (dirt.repeated, 4, dirt.is_lone),
)
"""Dirt of forms that have the time of the status and the number of segments."""
