"""Segments of a template: the shares are those of trying every combination of lengths."""

from __future__ import annotations

import math
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smssim.sms.segments import VARIABLE, Counting, filled, segments
from smssim.sms.templates.values import template_segments

NAMES = ("NUM_6", "TXT_20", "1")


def every_combination(
    text: str, shares: dict[str, dict[int, float]], counting: Any, outside: set[str]
) -> dict[int, float]:
    """Fill in every combination of lengths and count the segments of each text."""
    names = VARIABLE.findall(text)
    spread: dict[int, float] = {}
    for sizes in product(*(shares[name].items() for name in names)):
        values = iter(
            ("码" if name in outside else "0") * size
            for name, (size, _) in zip(names, sizes, strict=True)
        )
        share = math.prod(
            share / sum(shares[name].values())
            for name, (_, share) in zip(names, sizes, strict=True)
        )
        if share:
            count = segments(VARIABLE.sub(lambda _, values=values: next(values), text), counting)
            spread[count] = spread.get(count, 0.0) + share
    return dict(sorted(spread.items()))


pieces = st.one_of(
    st.sampled_from([f"${{{name}}}" for name in NAMES]),
    st.builds(
        lambda run, n: run * n,
        st.sampled_from(["a", "€", "é[", "码", "\N{GRINNING FACE}"]),
        st.integers(1, 80),
    ),
)
templates = (
    st.lists(pieces, max_size=7).map("".join).filter(lambda text: len(VARIABLE.findall(text)) <= 4)
)
spreads = st.dictionaries(st.integers(0, 90), st.integers(1, 9), min_size=1, max_size=3)


@given(
    templates,
    st.fixed_dictionaries({name: spreads for name in NAMES}),
    st.sampled_from(get_args(Counting)),
    st.sets(st.sampled_from(NAMES)),
)
@example("a" * 150 + "${1}", {"1": {0: 1, 4: 2, 11: 1}}, "huawei", {"1"})
@example("€" * 70 + "${1}" + "€" * 70, {"1": {1: 1, 12: 2, 13: 1}}, "huawei", set())
@settings(max_examples=200, deadline=None)
def test_shares_are_those_of_every_combination(
    text: str, shares: dict[str, Any], counting: Any, outside: set[str]
) -> None:
    shares_by_segments = template_segments(text, shares, counting, outside)
    expected = every_combination(text, shares, counting, outside)
    assert list(shares_by_segments) == list(expected)
    assert shares_by_segments == pytest.approx(expected, rel=1e-12)
    assert sum(shares_by_segments.values()) == pytest.approx(1.0, rel=1e-12)


@given(templates, st.fixed_dictionaries({name: st.integers(0, 90) for name in NAMES}))
def test_fixed_lengths_give_the_segments_of_the_filled_text(
    text: str, lengths: dict[str, int]
) -> None:
    assert template_segments(text, lengths) == {segments(filled(text, lengths)): 1.0}


def test_twenty_variables_of_twenty_lengths_are_no_combinatorial_trouble() -> None:
    uniform = dict.fromkeys(range(1, 21), 1)
    shares_by_segments = template_segments("a-${TXT_20}" * 20, {"TXT_20": uniform})
    # A mean of 40 + 210 units: most take two segments, some three.
    assert list(shares_by_segments) == [1, 2, 3]
    assert shares_by_segments[2] > 0.95


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({}, r"variable\(=\$\{TXT_5\}\) must be one of \[\]"),
        ({"TXT_5": -1}, r"lengths\['TXT_5'\]\(=-1\) must be >= 0"),
        ({"TXT_5": {-1: 1}}, r"lengths\['TXT_5'\]\(=\{-1: 1\}\) must be >= 0"),
        ({"TXT_5": {1: -1, 2: 3}}, "must be >= 0"),
        ({"TXT_5": {}}, "must have a finite share > 0"),
        ({"TXT_5": {1: 0}}, "must have a finite share > 0"),
        ({"TXT_5": {1: math.inf}}, "must have a finite share > 0"),
        ({"TXT_5": {1: math.nan}}, "must have a finite share > 0"),
    ],
)
def test_lengths_that_make_no_shares_are_refused(lengths: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        template_segments("Hello ${TXT_5}", lengths)


def test_an_unknown_counting_is_refused() -> None:
    unknown: Any = "bytes"
    with pytest.raises(ValueError, match="counting"):
        template_segments("Hello", {}, unknown)
