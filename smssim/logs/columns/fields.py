"""The fields of a log and what headings call them, in English and in Chinese.

Headings are compared without what differs from export to export; brackets hold units and zones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

__all__ = ["FIELDS", "IDENTITY", "SYNONYMS", "TIMES", "fields_by_heading", "plain", "zone_of"]

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|【[^【】]*】|〔[^〔〕]*〕")
_IGNORED = re.compile(r"[\s_\-()\[\]{}【】〔〕\ufeff\u200b'\"]+")
_ZONE = re.compile(
    r"(?<![a-z])(?:utc|gmt)(?:\s*[+-]\s*\d{1,2}(?::?\d{2})?(?!\d))?(?![a-z])"
    r"|(?<![\d:])[+-]\d{2}:\d{2}(?!\d)"
    r"|(?<![a-z])(?:africa|america|antarctica|arctic|asia|atlantic|australia|europe|indian|pacific)"
    r"(?:/[a-z_+\-]+)+|北京时间|beijing time|世界时|协调世界时",
    re.IGNORECASE,
)
_ZONES = {"北京时间": "+08:00", "beijing time": "+08:00", "世界时": "UTC", "协调世界时": "UTC"}

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
            *("result", "sending result", "send result", "sms result", "发送结果", "结果"),
            *("短信发送结果",),
        ),
        "send_status": (
            *("send status", "sending status", "sent status", "submit status", "发送状态"),
            *("提交状态", "短信发送状态"),
        ),
        "status": (
            *("status", "status code", "statuscode", "report status", "state code", "error code"),
            *(
                "delivery status",
                "delivery report",
                "delivery result",
                "status report",
                "final status",
                "状态",
                "状态码",
                "状态代码",
            ),
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
            *("费用", "金额", "价格", "消费金额", "计费金额", "总价"),
        ),
        "unit_price": (
            *("unit price", "unit cost", "price per segment", "price per part", "price per sms"),
            *("cost per segment", "segment price", "单价", "每条单价", "短信单价"),
        ),
        "currency": ("currency", "currency code", "币种", "货币", "结算币种"),
        "report_source": ("report source", "报告来源"),
    }
)
"""Fields and what headings call them; headings are compared by `plain`."""

_OUR_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "source": "source_name",
        "request": "request",
        "recipient": "recipient",
        "resend_number": "resend_number",
        "generation": "resend_number",
        "refused_at": "refused_at",
        "place": "refused_at",
        "covered_segments": "covered_segments",
    }
)
"""Headings of `smssim.record.schema.MESSAGES` that other tables lack, or use for something else.

Tables that were written before have `generation` and `place`.
"""

FIELDS: tuple[str, ...] = tuple(dict.fromkeys((*SYNONYMS, *_OUR_HEADINGS.values())))
"""All fields, in the order in which they are listed."""

TIMES = ("submitted", "sent", "final", "received")
IDENTITY = ("source_name", "request", "recipient", "resend_number")
"""Fields that together name a message of our own tables."""


def plain(heading: str) -> str:
    """The heading in lower case, without its zone, brackets, blanks, "_" and "-".

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
    match = _ZONE.search(unicodedata.normalize("NFKC", heading))
    return _ZONES.get(match[0].lower(), match[0].replace(" ", "")) if match else None


@cache
def fields_by_heading(of_our_tables: bool) -> Mapping[str, str]:
    """The field of every heading, as `plain` writes it; or of those of our own tables."""
    fields = {plain(word): field for field, words in SYNONYMS.items() for word in words}
    if of_our_tables:
        fields |= {plain(heading): field for heading, field in _OUR_HEADINGS.items()}
    return MappingProxyType(fields)
