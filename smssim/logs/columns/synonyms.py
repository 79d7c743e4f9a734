"""What headings call the fields of a log, in English and in Chinese.

Huawei publishes no headings of its export (DOMAIN.md section 9), so these are what its pages call
the columns, the names of its API (sections 6 and 7), and those of our own tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

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
        "generation": "generation",
        "place": "place",
        "covered_segments": "covered_segments",
    }
)
"""Headings of `smssim.record.schema.MESSAGES` that other tables do not have, or use for something else."""

FIELDS: tuple[str, ...] = tuple(dict.fromkeys((*SYNONYMS, *OWN.values())))
"""All fields, in the order in which they are told."""

TIMES = ("submitted", "sent", "final", "received")
IDENTITY = ("source_name", "request", "recipient", "generation")
"""Fields that together name a message of our own tables."""


@cache
def fields_of(own: bool) -> Mapping[str, str]:
    """The field of every heading, written as `headings.plain` does; *own* for our own tables."""
    from smssim.logs.columns.headings import plain

    found = {plain(word): field for field, words in SYNONYMS.items() for word in words}
    if own:
        found |= {plain(heading): field for heading, field in OWN.items()}
    return MappingProxyType(found)
