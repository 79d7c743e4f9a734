"""What a quarantine never shows: passwords, keys, values of templates, and whole numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from smssim import read_log
from smssim.logs.quarantine import is_secret, without_secrets

SECRET = "s3cr3t-7391"
FIELDS = ["templateParas", "template_paras", "X-WSSE", "Authorization", "appSecret", "app_secret"]
FIELDS += ["password", "PasswordDigest", "Nonce", "accessKey", "token", "clientSecret"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "shape",
    [
        '{{"a": 1, "{0}": "{1}", "b": 2}}',
        '{{"{0}":["x","{1}"],"b":2}}',
        '{{"{0}": "[\\"{1}\\"]", "b": 2}}',
        '{{"body": "{{\\"{0}\\": [\\"{1}\\"]}}", "b": 2}}',
        '{{"{0}": {{"v": "{1}"}}, "b": 2}}',
        '{{"{0}": "{1}',
        "a=1&{0}={1}&b=2",
        "{0}={1}",
        "{{'{0}': '{1}', 'b': 2}}",
    ],
)
def test_the_value_of_a_secret_field_is_never_shown(field: str, shape: str) -> None:
    text = shape.format(field, SECRET)
    assert SECRET not in without_secrets(text)


def test_headers_are_hidden_to_their_end() -> None:
    text = f'X-WSSE: UsernameToken Username="k", PasswordDigest="{SECRET}"\nTo: 1'
    assert without_secrets(text) == "X-WSSE: ***\nTo: 1"


def test_other_texts_stay() -> None:
    text = '{"status": "DELIVRD", "type": "otp", "passed": 1, "to": "+62"}'
    assert without_secrets(text) == text
    assert not any(map(is_secret, ["Status", "SMS ID", "Type", "Template", "Country", "Total"]))


def capture_line(**request: Any) -> dict[str, Any]:
    """A request that its rules reject."""
    usual = {"from": "isms1", "to": "+6281234567801", "templateParas": f'["{SECRET}"]'}
    headers = {"X-WSSE": f'UsernameToken Username="k",PasswordDigest="{SECRET}"'}
    return {"received_at": "2026-03-01T10:00:00Z", "headers": headers, "request": usual | request}


def test_the_quarantine_of_a_capture_hides_values_of_templates(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(capture_line()) + "\n" + json.dumps(capture_line())[:-30] + "\n")
    for show_numbers in (False, True):
        log = read_log(path, show_numbers=show_numbers)
        assert log.quarantine is not None
        assert len(log.quarantine) == 2
        assert SECRET not in log.quarantine.to_csv()


NUMBER = "+6281234567801"
WRITTEN = [NUMBER, "628 123 4567 801", "62\u20098123\u20094567801", "62\u200b81234567801"]
WRITTEN += [
    "62\u22128123\u22124567801",
    "62_8123_4567801",
    "62,8123,4567801",
    "\\u0036281234567801",
]
WRITTEN += ["%36281234567801", "62:8123|4567801", "62'81234'567801", "(62)[8123]4567801"]
HEADINGS = ["SMS ID", "Phone", "Send Time", "Status", "Content"]


def digits(text: str) -> int:
    """The longest run of what may be read as the digits of the number, however apart."""
    return max((len(run) for run in re.findall(r"\d+", re.sub(r"[^\d*]", "", text))), default=0)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("form", ["csv", "tsv", "json"])
def test_the_column_of_numbers_is_masked_whatever_it_holds(
    tmp_path: Path, written: str, form: str
) -> None:
    """As are texts of messages, in rows and in reasons."""
    row = ["m1", written, "never", "DELIVRD", f"code {SECRET}"]
    path = tmp_path / "log.x"
    if form == "json":
        text = json.dumps(dict(zip(HEADINGS, row, strict=True)), ensure_ascii=False) + "\n"
    else:
        mark = {"csv": ",", "tsv": "\t"}[form]
        lines = [HEADINGS, [f'"{cell}"' for cell in row]]
        text = "".join(mark.join(line) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    log = read_log(path, tz="UTC")
    assert log.quarantine is not None
    (shown,), (reasons,) = log.quarantine["text"], log.quarantine["reasons"]
    assert SECRET not in shown + reasons
    assert digits(shown.replace("m1", "")) <= 3
    assert digits(reasons.replace("2000 to 2099", "").replace("5 to 15", "")) <= 3


def test_numbers_as_headings_are_masked(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"SMS ID,Phone,Send Time,Status,{NUMBER}\nm,{NUMBER},2026-03-01T10:00:00Z,,1\n")
    log = read_log(path)
    assert NUMBER[1:] not in json.dumps(log.provenance)
    path.write_text(f"SMS ID,{NUMBER}\nm,1\n")
    with pytest.raises(ValueError, match="heading") as error:
        read_log(path)
    assert NUMBER[1:] not in str(error.value)


def test_numbers_in_names_of_files_are_masked(tmp_path: Path) -> None:
    for name in (f"{NUMBER}.csv", f"20260301_{NUMBER}.csv"):
        path = tmp_path / name
        path.write_text(f"SMS ID,Phone,Send Time,Status\nm,{NUMBER},never,DELIVRD\n")
        log = read_log(path, tz="UTC")
        assert log.quarantine is not None
        shown = json.dumps(log.provenance) + log.quarantine.to_csv() + log.name
        assert NUMBER[1:] not in shown
        assert ("20260301" in shown) == name.startswith("20260301")
        assert NUMBER[1:] in json.dumps(read_log(path, tz="UTC", show_numbers=True).provenance)
