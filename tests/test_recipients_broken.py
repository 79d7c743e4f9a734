"""Files of the Group SMS Assistant that were damaged on their way: recipients, or a refusal."""

from __future__ import annotations

import random
from pathlib import Path

from xlsx_files import parts, strings, text, write

from smssim.sms.recipients import read_recipients


def refusal_of(file: Path) -> str | None:
    try:
        read_recipients(file)
    except ValueError as error:
        return str(error)
    return None


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.xlsx", parts(text(1))).read_bytes()
    for size in range(1, len(whole), 97):
        file = tmp_path / f"cut{size}.xlsx"
        file.write_bytes(whole[:size])
        assert str(refusal_of(file)).startswith(f"{file}: must be a whole zip, as an XLSX is")


def test_changed_bytes_give_recipients_or_a_clear_refusal(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.xlsx", parts(text(1) + text(2), strings("<t>a</t>")))
    draw = random.Random(3)
    refusals = 0
    for i in range(600):
        data = bytearray(whole.read_bytes())
        for _ in range(draw.choice((1, 1, 4))):
            data[draw.randrange(len(data))] = draw.choice((0, 255, draw.randrange(256)))
        file = tmp_path / f"{i}.xlsx"
        file.write_bytes(data)
        refusal = refusal_of(file)
        refusals += refusal is not None
        assert refusal is None or refusal.startswith(f"{file}: ")
    assert 100 < refusals < 600
