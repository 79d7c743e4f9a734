"""Cells of a page: a figure in its unit, and its interval below it."""

from __future__ import annotations

import pandas as pd

from smssim.pages import sections
from smssim.pages.cells import grid, heading


def test_an_interval_stands_below_its_figure() -> None:
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(["2026-03-01", "2026-03-02"], utc=True),
            "a_share": [0.5, None],
            "a_share_low": [0.4, None],
            "a_share_high": [0.6, None],
            "cost_micro": [1_234_500_000, 0],
            "wait_s": [90.0, 7_200.0],
            "never": [None, None],
        }
    )
    made = grid(frame, list(frame), 1)

    assert made.header[:2] == ["at", "a"]
    assert made.rows[0][:2] == ["2026-03-01", "50.0%\n40.0% to 60.0%"]
    assert made.rows[0][-2:] == ["1,234.50", "90 s"]
    assert "never" not in made.header
    assert list(made.notes) == ["and 1 more rows, which the workbook has"]


def test_a_share_known_better_than_a_tenth_of_a_per_cent() -> None:
    """An interval without width would say that nothing is left to chance."""
    frame = pd.DataFrame({"share": [0.99110], "share_low": [0.99080], "share_high": [0.99130]})

    assert grid(frame, ["share"], 9).rows == [["99.11%\n99.08% to 99.13%"]]


def test_a_count_has_not_the_interval_of_its_share() -> None:
    frame = pd.DataFrame(
        {"sent": [3], "sent_share": [0.5], "sent_low": [0.2], "sent_high": [0.8], "said": [""]}
    )

    made = grid(frame, [*list(frame)[:2], "said"], 9)

    assert made.rows == [["3", "50.0%\n20.0% to 80.0%"]]
    assert list(made.header) == ["sent", "sent"]


def test_a_row_in_its_unit_says_it_in_its_cells() -> None:
    """A column of units next to cells in minutes would say that they are hours."""
    frame = pd.DataFrame(
        {
            "unit": ["h", "USD", "messages"],
            "value": [0.8, 1_234.5, 12.0],
            "value_low": [0.1, 0.244, None],
            "value_high": [2.5, 1_300.0, None],
        }
    )

    made = grid(frame, ["unit", "value"], 9)

    assert made.rows == [
        ["", "48 min\n6 min to 2.5 h"],
        ["USD", "1,234.50\n0.244 to 1,300.00"],
        ["messages", "12"],
    ]


def test_no_two_columns_of_a_table_have_one_heading() -> None:
    tables = {name: columns for name, columns in vars(sections).items() if name.isupper()}
    del tables["SECTIONS"]
    for name, shown in tables.items():
        headings = [heading(column) for column in shown]
        assert len(set(headings)) == len(headings), name
