"""Headings: compared without what differs from export to export, and the zone one may name.

A heading's brackets hold units and zones, which are no part of its name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from smssim.logs.columns.times import reader_of
from smssim.logs.log import ColumnMappingError
from smssim.sms.phone_numbers import masked

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|【[^【】]*】|〔[^〔〕]*〕")
_IGNORED = re.compile(r"[\s_\-()\[\]{}【】〔〕\ufeff\u200b'\"]+")
_ZONE = re.compile(
    r"(?<![a-z])(?:utc|gmt)(?:\s*[+-]\s*\d{1,2}(?::?\d{2})?(?!\d))?(?![a-z])"
    r"|(?<![\d:])[+-]\d{2}:\d{2}(?!\d)"
    r"|(?<![a-z])(?:africa|america|antarctica|arctic|asia|atlantic|australia|europe|indian|pacific)"
    r"(?:/[a-z_+\-]+)+|北京时间|beijing time|世界时|协调世界时",
    re.IGNORECASE,
)
_CALLED = {"北京时间": "+08:00", "beijing time": "+08:00", "世界时": "UTC", "协调世界时": "UTC"}


def plain(heading: str) -> str:
    """The heading in small letters, without its zone, brackets, blanks, "_" and "-".

    >>> plain("Send Time (UTC+8)"), plain("send_time"), plain("Country/Region")
    ('sendtime', 'sendtime', 'country/region')
    """
    text = _ZONE.sub("", unicodedata.normalize("NFKC", heading))
    bare, before = text, ""
    while bare != before:
        before, bare = bare, _BRACKETS.sub("", bare)
    return _IGNORED.sub("", bare).casefold()


def zone_of(heading: str) -> str | None:
    """The zone that a heading names, as `zones.zone` takes it, or None.

    >>> zone_of("Send Time (UTC+8)"), zone_of("发送时间（北京时间）"), zone_of("time")
    ('UTC+8', '+08:00', None)
    """
    found = _ZONE.search(unicodedata.normalize("NFKC", heading))
    return _CALLED.get(found[0].lower(), found[0].replace(" ", "")) if found else None


# What headings call the fields of a log, in English and in Chinese.

SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": (
            *("id", "sms id", "message id", "msg id", "smsMsgId", "sms msg id", "sms message id"),
            *("sms no", "serial number", "短信id", "消息id", "短信编号", "短信标识", "流水号"),
            *("消息编号", "短信唯一标识"),
        ),
        "number": (
            *("number", "phone", "phone number", "phone no", "mobile", "mobile number"),
            *("mobile phone", "mobile phone number", "msisdn", "to", "originTo", "recipient"),
            *("recipient number", "recipient phone number", "recipients", "destination", "dest"),
            *("destination number", "called number", "receiver", "receiver number"),
            *("receiving number", "号码", "手机号", "手机号码", "接收号码", "接收手机号"),
            *("接收手机号码", "接收方号码", "接收方", "收信人", "电话号码", "被叫号码", "目标号码"),
            *("目的号码", "收件人", "收件人号码"),
        ),
        "country": (
            *("country", "country/region", "country or region", "countryId", "country code"),
            *("region", "country name", "iso2", "iso", "destination country", "国家", "国家/地区"),
            *("国家或地区", "国家地区", "国家码", "国家代码", "国家名称", "地区", "国际/地区"),
        ),
        "application": (
            *("application", "application name", "app", "app name", "应用", "应用名称", "应用名"),
        ),
        "channel": (
            *("channel", "channel number", "channel no", "channel id", "from", "sender"),
            *("sender number", "sender id", "通道号", "通道", "通道号码", "通道编号", "发送方"),
            *("发送方号码",),
        ),
        "template": (
            *("template", "template id", "template name", "sms template", "sms template id"),
            *("模板", "模板id", "模板编号", "模板名称", "短信模板", "短信模板id"),
        ),
        "type": (
            *("type", "sms type", "message type", "template type", "短信类型", "类型"),
            *("模板类型", "消息类型"),
        ),
        "submitted": (
            *("submitted", "submitted at", "submission time", "submit time", "submitted time"),
            *("send time", "sending time", "sent time", "send date", "createTime", "created at"),
            *("create time", "creation time", "created", "time", "timestamp", "date", "date time"),
            *("sending date", "request time", "提交时间", "发送时间", "创建时间", "下发时间"),
            *("发送日期", "请求时间", "短信发送时间", "时间"),
        ),
        "sent": (
            *("sent", "sent at", "left queue at", "dispatch time", "dispatched at", "出队时间"),
            *("实际发送时间",),
        ),
        "final": (
            *("final", "final at", "report time", "status time", "updateTime", "update time"),
            *("updated at", "delivery time", "delivered at", "status report time", "receipt time"),
            *("done time", "done date", "report date", "状态报告时间", "回执时间", "更新时间"),
            *("状态时间", "到达时间", "送达时间", "报告时间", "状态更新时间"),
        ),
        "received": (
            *("received", "received at", "arrival time", "arrived at", "receive time"),
            *("received time", "callback time", "接收时间", "回调时间", "收到时间", "接收报告时间"),
        ),
        "result": (
            *("result", "sending result", "send result", "sms result", "sending status"),
            *("send status", "发送结果", "结果", "发送状态", "短信发送结果"),
        ),
        "status": (
            *("status", "status code", "statuscode", "report status", "state code", "error code"),
            *("delivery status", "status report", "final status", "状态", "状态码", "状态代码"),
            *("回执状态", "状态报告", "错误码", "状态报告码", "回执状态码"),
        ),
        "source": (
            *("source", "status source", "report source code", "状态来源", "状态码来源", "来源"),
            *("状态报告来源",),
        ),
        "charged": (
            *("charged", "charged or not", "is charged", "whether charged", "billed", "billing"),
            *("whether billed", "charge", "是否计费", "计费", "是否收费", "收费", "计费标识"),
        ),
        "segments": (
            *("segments", "total", "parts", "total parts", "total segments", "segment count"),
            *("number of segments", "sms count", "billing count", "billable segments"),
            *("拆分条数", "总条数", "条数", "计费条数", "短信条数", "分段数", "长短信条数"),
        ),
        "part": (
            *("part", "sequence", "part number", "segment", "segment number", "sequence number"),
            *("分段序号", "长短信序号", "拆分序号", "条序号"),
        ),
        "cost": (
            *("cost", "price", "amount", "fee", "cost_micro", "charges", "total cost"),
            *("费用", "金额", "价格", "单价", "消费金额", "计费金额"),
        ),
        "currency": ("currency", "currency code", "币种", "货币", "结算币种"),
        "report_source": ("report source", "报告来源"),
    }
)
"""Fields and what headings call them; a heading is compared by `headings.plain`."""

OWN: Mapping[str, str] = MappingProxyType(
    {
        "source": "source_name",
        "request": "request",
        "recipient": "recipient",
        "resend_number": "generation",
        "refused_at": "place",
        "covered_segments": "covered_segments",
    }
)
"""Headings of `smssim.record.schema.MESSAGES` that other tables lack, or use for something else."""

FIELDS: tuple[str, ...] = tuple(dict.fromkeys((*SYNONYMS, *OWN.values())))
"""All fields, in the order in which they are told."""

TIMES = ("submitted", "sent", "final", "received")
IDENTITY = ("source_name", "request", "recipient", "generation")
"""Fields that together name a message of our own tables."""


_OURS = {"request", "recipient", "resendnumber"}
"""Headings, as `plain` has them, that tables of ours alone have together."""


@cache
def fields_of(own: bool) -> Mapping[str, str]:
    """The field of every heading, written as `headings.plain` does; *own* for our own tables."""
    pass  # joined

    found = {plain(word): field for field, words in SYNONYMS.items() for word in words}
    if own:
        found |= {plain(heading): field for heading, field in OWN.items()}
    return MappingProxyType(found)


# What a person says of the columns: `columns=` as a mapping, or a YAML file of the same form.

Columns = Mapping[str, Any] | str | PathLike[str] | None

_KEYS = ("heading", "format")


class Given(NamedTuple):
    """One column as a person named it: its heading, the format of its times, where he said so."""

    heading: str
    format: str | None = None
    where: str = "columns"


def given(columns: Columns) -> dict[str, Given]:
    """The columns that *columns* names, by field; a text or path is a YAML file.

    Raise a ColumnMappingError that names all that is wrong, with file, line and column for a file.
    """
    if columns is None:
        return {}
    if isinstance(columns, Mapping):
        if all(isinstance(value, Given) for value in columns.values()):
            return dict(columns)
        return _checked(columns, _Nowhere())
    return _read(Path(columns))


def suggested(name: object, known: Iterable[str]) -> str:
    """The end of an error: what may have been meant, and all that there is."""
    known = list(known)
    close = get_close_matches(str(name).casefold(), [k.casefold() for k in known], 1, 0.5)
    meant = next((k for k in known if close and k.casefold() == close[0]), None)
    hint = f"did you mean {meant!r}? " if meant else ""
    return f"{hint}There are {', '.join(known)}"


class _Nowhere:
    """Places of a mapping that was not read from a file."""

    def at(self, path: tuple[str, ...], of_key: bool = False) -> str:
        return ".".join(("columns", *path))


class _File(_Nowhere):
    """Places in a file of YAML."""

    def __init__(self, read: Any) -> None:
        self._read = read

    def at(self, path: tuple[str, ...], of_key: bool = False) -> str:
        spot = self._read.location(path, of_key)
        return f"{self._read.file}:{spot.line}:{spot.column}" if spot else str(self._read.file)


def _read(path: Path) -> dict[str, Given]:
    from smssim.scenario import ScenarioError
    from smssim.scenario.errors.yaml_locations import Text

    try:
        read = Text(path.read_bytes().decode("utf-8-sig"), str(path))
    except OSError as error:
        raise ColumnMappingError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ColumnMappingError(f"{path}: must be UTF-8") from error
    except ScenarioError as error:
        raise ColumnMappingError(str(error)) from error
    if read.duplicates:
        raise ColumnMappingError("\n".join(str(problem) for problem in read.duplicates))
    if not isinstance(read.data, dict):
        raise ColumnMappingError(f"{path}:1:1: must be a mapping of fields to headings")
    return _checked(read.data, _File(read))


def _checked(columns: Mapping[Any, Any], places: _Nowhere) -> dict[str, Given]:
    problems: list[str] = []
    found: dict[str, Given] = {}
    for name, value in columns.items():
        key = str(name)
        if name not in FIELDS:
            told = f"the field {name!r} does not exist: {suggested(name, FIELDS)}"
            problems.append(f"{places.at((key,), of_key=True)}: {told}")
        elif isinstance(value, Mapping):
            problems += _of_mapping(key, value, places)
            if not problems:
                heading = str(value["heading"])
                found[key] = Given(heading, value.get("format"), places.at((key, "heading")))
        elif isinstance(value, str) and value.strip():
            found[key] = Given(value, None, places.at((key,)))
        else:
            told = f"{name}(={value!r}) must be a heading, or a mapping of heading and format"
            problems.append(f"{places.at((key,))}: {told}")
    if problems:
        raise ColumnMappingError("\n".join(problems))
    return found


def _of_mapping(field: str, value: Mapping[Any, Any], places: _Nowhere) -> Iterable[str]:
    for key in value:
        if key not in _KEYS:
            told = f"the key {key!r} does not exist: {suggested(key, _KEYS)}"
            yield f"{places.at((field, str(key)), of_key=True)}: {told}"
    heading, form = value.get("heading"), value.get("format")
    if not isinstance(heading, str) or not heading.strip():
        yield f"{places.at((field, 'heading'))}: heading(={heading!r}) must be a text"
    if form is None:
        return
    if field not in TIMES:
        told = f"only times have a format: {', '.join(TIMES)}"
        yield f"{places.at((field, 'format'), of_key=True)}: {told}"
    try:
        reader_of(form if isinstance(form, str) else repr(form))
    except ValueError as error:
        yield f"{places.at((field, 'format'))}: {error}"


# Which heading is which field, and so what kind of table it is.

Kind = Literal["details", "sends", "reports"]

_REMEDY = (
    "say which column is which with --columns map.yaml (or columns=), a line for each: "
    "`field: heading`"
)
_HEADING = ("id", *TIMES)


@dataclass(frozen=True)
class Matching:
    """What a table is: its kind, the heading of each field, the headings that are none.

    `formats` are those given for times, by field, and `zones` those that headings name.
    """

    kind: Kind
    columns: Mapping[str, str]
    passed_over: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> str:
        """What was matched to what, in one line."""
        return ", ".join(f"{field}: {heading!r}" for field, heading in self.columns.items())


def match(headings: Sequence[str], mapping: Columns = None) -> Matching:
    """Match the headings of a table to fields; *mapping* is what a person says of them.

    Raise a ColumnMappingError for a table of no kind, two columns for one field, and a mapping that
    names a field or a heading that does not exist.
    """
    said = given(mapping)
    columns = _matched(headings, said)
    kind = _kind(headings, columns)
    used = set(columns.values())
    zones = {field: zone_of(columns[field]) for field in TIMES if field in columns}
    return Matching(
        kind,
        MappingProxyType(columns),
        tuple(heading for heading in headings if heading not in used),
        MappingProxyType({field: own.format for field, own in said.items() if own.format}),
        MappingProxyType({field: zone for field, zone in zones.items() if zone}),
    )


def is_heading(cells: Sequence[str | None], mapping: Columns = None) -> bool:
    """Whether a record is a heading: two fields or more, one of which is a time or an id.

    >>> is_heading(["SMS ID", "Status"]), is_heading(["6281234567890", "Status"])
    (True, False)
    """
    texts = [cell for cell in cells if cell]
    try:
        said = given(mapping)
    except ColumnMappingError:
        said = {}
    known = _fields(texts)
    by_hand = {plain(own.heading): field for field, own in said.items()}
    found = {by_hand.get(key) or known.get(key) for key in map(plain, texts)} - {None}
    return len(found) > 1 and any(field in found for field in _HEADING)


def keys_of(headings: Sequence[str], mapping: Columns = None) -> tuple[int, ...]:
    """Which of the headings are those of an id or a number, by place; a row that has one is no
    total.
    """
    by_hand = {plain(own.heading): field for field, own in given(mapping).items()}
    known = _fields(headings)
    fields = [by_hand.get(key) or known.get(key) for key in map(plain, headings)]
    return tuple(place for place, field in enumerate(fields) if field in ("id", "number"))


def _fields(headings: Iterable[str]) -> Mapping[str, str]:
    """The fields by plain heading, of our own tables if these are the headings of one."""
    bare = {plain(heading) for heading in headings}
    return fields_of(bare >= _OURS)


def _matched(headings: Sequence[str], said: Mapping[str, Given]) -> dict[str, str]:
    twice = sorted({heading for heading in headings if list(headings).count(heading) > 1})
    by_hand = {field: _named(headings, field, own) for field, own in said.items()}
    columns: dict[str, list[str]] = {field: [heading] for field, heading in by_hand.items()}
    known = _fields(headings)
    for heading in headings:
        field = known.get(plain(heading))
        if field and field not in by_hand and heading not in by_hand.values():
            columns.setdefault(field, []).append(heading)
    double = {field: found for field, found in columns.items() if len(found) > 1}
    if double or set(twice) & set(by_hand.values()):
        told = [
            f"{field} is matched by {' and '.join(map(repr, found))}"
            for field, found in double.items()
        ] or [f"the heading {twice[0]!r} stands twice"]
        raise ColumnMappingError(f"{'; '.join(told)}: {_REMEDY}")
    order = {heading: i for i, heading in enumerate(headings)}
    return {
        field: found[0] for field, found in sorted(columns.items(), key=lambda c: order[c[1][0]])
    }


def _named(headings: Sequence[str], field: str, own: Given) -> str:
    if own.heading in headings:
        return own.heading
    like = [heading for heading in headings if heading.strip() == own.heading.strip()]
    like = like or [heading for heading in headings if plain(heading) == plain(own.heading)]
    if len(like) == 1:
        return like[0]
    told = f"the heading {own.heading!r} is not in the file"
    raise ColumnMappingError(f"{own.where}: {told}: {masked(suggested(own.heading, headings))}")


def _kind(headings: Sequence[str], columns: Mapping[str, str]) -> Kind:
    outcome = "status" in columns or "result" in columns
    who = "number" in columns or "country" in columns
    if "submitted" in columns and who:
        return "details" if outcome else "sends"
    if "submitted" not in columns and "id" in columns and "status" in columns:
        return "reports"
    if "submitted" in columns:
        missing = "a number or a country is missing"
    elif "id" in columns:
        missing = "submitted is missing, or status for a table of reports"
    else:
        missing = "submitted is missing, or id and status for a table of reports"
    found = ", ".join(f"{field} by {heading!r}" for field, heading in columns.items())
    known = f"say {found}, but {missing}" if found else f"say no field that is known: {missing}"
    # A file without headings has its first row there, phone numbers too.
    shown = masked(", ".join(map(repr, headings)))
    raise ColumnMappingError(f"the headings {shown} {known}: {_REMEDY}")
