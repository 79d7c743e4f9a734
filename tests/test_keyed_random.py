"""KeyedRandom: known vectors, scalar and array alike, and randomness at a stated risk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from smssim.stats.keyed_random import (
    MASK64,
    PHI,
    KeyedRandom,
    Words,
    message_counter,
    mix64,
    mix64_array,
    random_words,
)

RISK = 1e-6
word64 = st.integers(0, MASK64)


@pytest.mark.parametrize(
    ("seed", "outputs"),
    [
        # rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64
        (
            1234567,
            [
                6457827717110365317,
                3203168211198807973,
                9817491932198370423,
                4593380528125082431,
                16408922859458223821,
            ],
        ),
        # Published with C# and Java ports of the generator.
        (0x0123456789ABCDEF, [0x157A3807A48FAA9D, 0xD573529B34A1D093]),
    ],
)
def test_the_mixer_is_that_of_splitmix64(seed: int, outputs: list[int]) -> None:
    """SplitMix64's n-th output is the mixer at seed + n * PHI."""
    n = range(1, len(outputs) + 1)
    assert [mix64(seed + i * PHI) for i in n] == outputs
    array = np.array([(seed + i * PHI) & MASK64 for i in n], np.uint64)
    assert mix64_array(array).tolist() == outputs


@settings(max_examples=100, deadline=None)
@given(st.lists(word64, max_size=40))
def test_the_mixer_of_arrays_is_the_mixer_of_each(values: list[int]) -> None:
    """Word by word, at the ends of the range too, in place."""
    array = np.array(values, np.uint64)
    assert mix64_array(array) is array
    assert array.tolist() == [mix64(value) for value in values]


def test_the_mixer_of_long_arrays_has_no_seams() -> None:
    """Longer than its cache block, and not a multiple of it."""
    values = np.arange(40_001, dtype=np.uint64)
    assert mix64_array(values.copy()).tolist() == [mix64(value) for value in range(40_001)]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**63),
    st.integers(0, 2**20),
    st.text(max_size=10),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 2**43 - 1)), min_size=1, max_size=20),
)
def test_words_are_the_scalar_words(
    seed: int, replication: int, source: str, places: list[tuple[int, int]]
) -> None:
    """Any hour and counter, in any mixture."""
    marks = KeyedRandom(seed, replication)
    hours, counters = (np.array(column) for column in zip(*places, strict=True))
    keys = marks.hour_keys(source, "latency", hours.astype(np.int64))
    found = random_words(keys, counters.astype(np.uint64))
    assert found.tolist() == [marks.word(source, "latency", h, c) for h, c in places]


def test_a_mark_hangs_on_all_it_belongs_to_and_nothing_else() -> None:
    """Seed, replication, source, purpose, hour, counter: each makes another word."""
    ways = [
        KeyedRandom(1).word("a", "time", 5, 7),
        KeyedRandom(2).word("a", "time", 5, 7),
        KeyedRandom(1, 1).word("a", "time", 5, 7),
        KeyedRandom(1).word("b", "time", 5, 7),
        KeyedRandom(1).word("a", "size", 5, 7),
        KeyedRandom(1).word("a", "time", 6, 7),
        KeyedRandom(1).word("a", "time", 5, 8),
    ]
    assert len(set(ways)) == len(ways)
    assert KeyedRandom(1).word("a", "time", 5, 7) == ways[0]


def test_these_words_never_change() -> None:
    """A golden word: other words would give every published run other bytes."""
    assert KeyedRandom(1).word("api", "count", 480_000, 0) == 0x8B4BAA03F9508170
    assert message_counter(3, 2, 1) == ((3 << 20) + 2) * 8 + 1


def million(layout: str) -> Words:
    """A million words: of as many counters, hours, or first messages of requests."""
    marks, n = KeyedRandom(1), np.arange(1_000_000)
    hours = n if layout == "hours" else np.array([480_000])
    counters = {"counters": n, "hours": n * 0, "requests": n << 23}[layout]
    return random_words(marks.hour_keys("a", "time", hours), counters.astype(np.uint64))


@pytest.mark.parametrize("layout", ["counters", "hours", "requests"])
def test_words_are_uniform_and_neighbours_unrelated(layout: str) -> None:
    """KS and chi-square of words, pairs and lowest bits, each at a risk of one in a million."""
    found = million(layout)
    u = found / 2.0**64
    assert stats.kstest(u, "uniform").pvalue > RISK
    pairs = np.histogram2d(u[:-1:2], u[1::2], bins=32)[0].ravel()
    assert stats.chisquare(pairs).pvalue > RISK
    lowest = np.bincount((found & np.uint64(1023)).astype(np.int64), minlength=1024)
    assert stats.chisquare(lowest).pvalue > RISK


def test_each_bit_hangs_on_each_bit_of_the_counter() -> None:
    """Avalanche: turning one bit of a counter turns each bit of the word with chance one half."""
    n = 20_000
    counters = np.arange(n, dtype=np.uint64) * np.uint64(977)
    key = KeyedRandom(1).hour_keys("a", "time", np.array([480_000]))
    for bit in (0, 3, 22, 42):
        turned = random_words(key, counters) ^ random_words(key, counters ^ np.uint64(1 << bit))
        share = np.unpackbits(turned.view(np.uint8)).reshape(n, 64).mean(axis=0)
        # Sixty-four shares of n: each at its part of the risk.
        assert abs(share - 0.5).max() < stats.norm.isf(RISK / 128) * 0.5 / np.sqrt(n)


@pytest.mark.parametrize(
    ("marks", "source", "purpose"),
    [
        (KeyedRandom(1), "a", "size"),
        (KeyedRandom(1), "b", "time"),
        (KeyedRandom(1, 1), "a", "time"),
    ],
    ids=["purposes", "sources", "replications"],
)
def test_two_streams_are_unrelated(marks: KeyedRandom, source: str, purpose: str) -> None:
    """The words of one counter under two keys fill the square evenly."""
    hour, counters = np.array([480_000]), np.arange(200_000, dtype=np.uint64)
    keys = (KeyedRandom(1).hour_keys("a", "time", hour), marks.hour_keys(source, purpose, hour))
    square = np.histogram2d(*(random_words(key, counters) / 2.0**64 for key in keys), bins=16)[0]
    assert stats.chisquare(square.ravel()).pvalue > RISK
