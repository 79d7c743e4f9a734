"""Bins of delays: exact where promises are made, narrow everywhere, found quickly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smssim.calendars import DAY, HOUR, SECOND
from smssim.stats.delay_bins import RATIO, bin_of, edges_us, middle_us

EXACT_US = (SECOND // 1_000, 10 * SECOND, 30 * SECOND, 180 * SECOND, 72 * HOUR, 400 * DAY)


def by_search(delays: np.ndarray) -> np.ndarray:
    """The definition: the last edge that is not above a delay; 0 for negative ones."""
    return np.maximum(np.searchsorted(edges_us(), delays, "right") - 1, 0)


def test_edges_rise_and_are_exact_where_promises_are_made() -> None:
    """10 s, 30 s and 3 min are edges to the microsecond, and nothing may change them."""
    edges = edges_us()
    assert (np.diff(edges) > 0).all()
    assert edges[0] == 0
    assert set(EXACT_US) <= set(edges.tolist())
    with pytest.raises(ValueError, match="read-only"):
        edges[0] = 1


def test_bins_are_narrow() -> None:
    """Above a millisecond the last microsecond of a bin is at most 2% above its first."""
    edges = edges_us()[1:]
    assert ((edges[1:] - 1) / edges[:-1] <= RATIO).all()
    assert len(edges) < 2_000


def test_every_edge_begins_its_bin() -> None:
    """At an edge the bin is the edge's, a microsecond before it the one before."""
    edges = edges_us()
    places = np.arange(len(edges))
    assert bin_of(edges).tolist() == places.tolist()
    assert bin_of(edges[1:] - 1).tolist() == places[:-1].tolist()
    assert bin_of(edges + 1).tolist() == by_search(edges + 1).tolist()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(2**40), 2**62) | st.integers(0, 400 * DAY), min_size=1, max_size=30))
def test_a_bin_is_what_a_search_finds(delays: list[int]) -> None:
    """Any delay, of any size and sign."""
    array = np.array(delays, np.int64)
    assert bin_of(array).tolist() == by_search(array).tolist()


def test_a_million_delays_of_all_sizes() -> None:
    """As many on each scale."""
    rng = np.random.default_rng(1)
    delays = np.exp(rng.uniform(0, np.log(1e15), 1_000_000)).astype(np.int64)
    assert (bin_of(delays) == by_search(delays)).all()


def test_a_bin_stands_for_what_is_in_it() -> None:
    """The middle is within 1% of anything in its bin, but for a microsecond of rounding."""
    edges = edges_us()
    for place in range(1, len(edges) - 1):
        middle = middle_us(place)
        assert edges[place] < middle < edges[place + 1]
        assert middle / edges[place] < 1.0102
        assert (edges[place + 1] - 1) / middle < 1.0102
    assert middle_us(0) == 0
    assert middle_us(len(edges) - 1) == edges[-1]
