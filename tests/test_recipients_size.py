"""The estimated size of a numbers file against files that are written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from smssim.sms.recipients import MAX_FILE_BYTES, MAX_NUMBERS, estimated_file_bytes


def written_bytes(path: Path, inline: bool, prefixes: list[int], length: int) -> int:
    draw = random.Random(9)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": inline})
    page = book.add_worksheet()
    for row in range(20_000):
        prefix = str(draw.choice(prefixes))
        rest = length - len(prefix)
        page.write_string(row, 0, f"+{prefix}{draw.randrange(10**rest):0{rest}d}")
    book.close()
    return path.stat().st_size


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(
    ("prefixes", "length"),
    [
        ([*range(62811, 62823), *range(62850, 62860)], 13),  # ID
        ([*range(6661, 6664), *range(6680, 6700)], 11),  # TH
        ([*range(63905, 64000), *range(9170, 9200), *range(62811, 62823)], 12),
    ],
)
def test_a_written_file_is_as_large_as_estimated(
    tmp_path: Path, inline: bool, prefixes: list[int], length: int
) -> None:
    size = written_bytes(tmp_path / "a.xlsx", inline, prefixes, length)
    assert estimated_file_bytes(20_000, length) == pytest.approx(size, rel=0.15)


@pytest.mark.parametrize("inline", [True, False])
def test_numbers_with_one_prefix_are_smaller_than_estimated(tmp_path: Path, inline: bool) -> None:
    size = written_bytes(tmp_path / "a.xlsx", inline, [639171], 12)
    assert size < estimated_file_bytes(20_000, 12) < size / 0.75


def test_the_estimate_grows_with_numbers_and_digits() -> None:
    sizes = [estimated_file_bytes(n, d) for n in (0, 1, 1_000, MAX_NUMBERS) for d in range(5, 16)]
    assert sizes == sorted(sizes)
    # A full million of long numbers does not fit into the file.
    assert (
        estimated_file_bytes(MAX_NUMBERS, 11) < MAX_FILE_BYTES < estimated_file_bytes(MAX_NUMBERS)
    )


@pytest.mark.parametrize(
    ("numbers", "digits", "message"),
    [
        (-1, 13, r"numbers\(=-1\) must be >= 0"),
        (1, 4, r"digits\(=4\) must be 5 to 15"),
        (1, 16, r"digits\(=16\) must be 5 to 15"),
    ],
)
def test_the_estimate_refuses(numbers: int, digits: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimated_file_bytes(numbers, digits)
