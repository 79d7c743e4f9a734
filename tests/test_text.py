"""Segments: Huawei's examples, the edges, and a brute-force splitter as the oracle."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smssim.sms import segments as sms

EXTENSION = "^{}\\[~]|€\f"
GSM7 = "abé" + EXTENSION
EURO, EMOJI = "€", "\N{GRINNING FACE}"


def least_parts(units: tuple[int, ...], part: int) -> int:
    """Return the least number of parts by trying every way to cut."""

    @cache
    def fewest(end: int) -> int:
        if end == 0:
            return 0
        best, used, start = end, 0, end
        while start > 0 and used + units[start - 1] <= part:
            start -= 1
            used += units[start]
            best = min(best, fewest(start) + 1)
        return best

    # From the front on, so that the recursion stays shallow.
    return [fewest(end) for end in range(len(units) + 1)][-1]


def brute_force(text: str, counting: str) -> int:
    if all(character in GSM7 for character in text):
        units, single, part = [2 if c in EXTENSION else 1 for c in text], 160, 153
    elif counting == "3gpp":
        units, single, part = [len(c.encode("utf-16-le")) // 2 for c in text], 70, 67
    else:
        units, single, part = [1] * len(text), 70, 67
    return 1 if sum(units) <= single else least_parts(tuple(units), part)


@pytest.mark.parametrize(("characters", "parts"), [(158, 1), (164, 2), (320, 3)])
def test_huaweis_examples(characters: int, parts: int) -> None:
    assert sms.segments("a" * characters) == parts


@pytest.mark.parametrize(
    ("text", "huawei", "gpp"),
    [
        ("", 1, 1),
        ("a" * 160, 1, 1),
        ("a" * 161, 2, 2),
        ("a" * 306, 2, 2),
        ("a" * 307, 3, 3),
        ("码" * 70, 1, 1),
        ("码" * 71, 2, 2),
        ("码" * 134, 2, 2),
        ("码" * 135, 3, 3),
        (EURO * 80, 1, 1),
        (EURO * 81, 2, 2),
        (EURO * 153, 3, 3),  # 76 pairs a part: the 153rd septet stays empty
        ("a" * 152 + EURO + "a" * 152, 3, 3),
        (EMOJI * 70, 1, 3),
        ("码" * 66 + EMOJI + "码" * 66, 2, 3),
        ("a" * 153 + "`", 3, 3),
    ],
)
def test_edges(text: str, huawei: int, gpp: int) -> None:
    assert (sms.segments(text, "huawei"), sms.segments(text, "3gpp")) == (huawei, gpp)


def test_the_alphabet_is_the_one_of_the_standard() -> None:
    # 128 places less the escape; 10 in the extension, the form feed among them.
    assert len(sms.GSM7_BASIC) == 127
    assert len(sms.GSM7_EXTENSION) == 10
    assert not sms.GSM7_BASIC & sms.GSM7_EXTENSION
    assert sms.is_gsm7("Δ_§ Çà £5 [ok]\r\n\f")
    assert not any(map(sms.is_gsm7, ("`", "ç", "\t", "á", "码", EMOJI, "\x1b")))


def test_length_counts_in_the_units_of_the_text() -> None:
    assert sms.length("abc" + EURO) == 5
    assert sms.length("码" + EURO + EMOJI) == 3
    assert sms.length("码" + EURO + EMOJI, "3gpp") == 4


texts = st.builds(
    lambda pieces: "".join(text * n for text, n in pieces),
    st.lists(
        st.tuples(st.sampled_from(["a", EURO, "[", "é", "ab~", EMOJI, "码"]), st.integers(1, 90)),
        max_size=6,
    ),
)


@given(texts, st.sampled_from(["huawei", "3gpp"]))
@example("a" * 152 + EURO + "a" * 152, "huawei")
@settings(max_examples=120, deadline=None)
def test_segments_equal_the_brute_force_splitter(text: str, counting: Any) -> None:
    assert sms.segments(text, counting) == brute_force(text, counting)


@given(texts, st.sampled_from(["a", EURO, "码", EMOJI]))
@settings(max_examples=50, deadline=None)
def test_a_longer_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert sms.segments(text + more) >= sms.segments(text)


def test_an_unknown_counting_is_refused() -> None:
    unknown: Any = "bytes"
    with pytest.raises(ValueError, match=r"counting\(='bytes'\) must be 'huawei' or '3gpp'"):
        sms.segments("a", unknown)


def test_filled_puts_digits_for_variables() -> None:
    template = "Your code is ${NUM_8}, valid for ${1} minutes. ${NUM_8}"
    text = sms.filled(template, {"NUM_8": 6, "1": 2, "unused": 5})
    assert text == "Your code is 000000, valid for 00 minutes. 000000"
    assert sms.filled("costs $5 {ok}", {}) == "costs $5 {ok}"


def test_filled_refuses_unknown_variables_and_negative_lengths() -> None:
    with pytest.raises(ValueError, match=r"variable\(=\$\{TXT_1\}\) must be one of \['NUM_1'\]"):
        sms.filled("${TXT_1}", {"NUM_1": 4})
    with pytest.raises(ValueError, match=r"lengths\['NUM_1'\]\(=-1\) must be >= 0"):
        sms.filled("${NUM_1}", {"NUM_1": -1})


@given(st.lists(st.one_of(texts, st.text(max_size=200)), max_size=8), st.integers(1, 5))
@example(["a" * 152 + EURO + "a" * 152, "", "\ud800" * 71, "码" * 66 + EMOJI + "码" * 66], 2)
@settings(max_examples=150, deadline=None)
def test_a_column_is_counted_as_its_texts_are(column: list[str], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sms, "_BLOCK", block)
        for counting in get_args(sms.Counting):
            expected = [sms.segments(text, counting) for text in column]
            assert sms.segments_of(column, counting).tolist() == expected


COLUMNS: dict[str, Callable[[list[str]], Any]] = {
    "tuple": tuple,
    "fixed width": np.array,
    "objects": lambda texts: np.array(texts, object),
    "series": lambda texts: pd.Series(texts, index=[2.5, 1.5, 0.5]),
    "series of objects": lambda texts: pd.Series(texts, dtype=object),
    "series of categories": lambda texts: pd.Series(texts, dtype="category"),
    "series of arrow": lambda texts: pd.Series(texts, dtype=pd.ArrowDtype(pa.string())),
    "index": pd.Index,
    "arrow": pa.array,
    "arrow in chunks": lambda texts: pa.chunked_array([texts[:1], texts[1:]]),
    "arrow dictionary": lambda texts: pa.array(texts).dictionary_encode(),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_of_every_kind_are_counted(kind: str) -> None:
    counts = sms.segments_of(COLUMNS[kind](["a" * 161, "", "码" * 135]))
    assert counts.dtype == np.int64
    assert counts.tolist() == [2, 1, 3]


def test_an_empty_column_has_no_counts() -> None:
    assert sms.segments_of([]).tolist() == []


@pytest.mark.parametrize(
    "texts", ["abc", b"abc", {"a": 1}, {"a"}, 5, iter("ab")], ids=lambda texts: type(texts).__name__
)
def test_what_is_no_column_is_refused(texts: Any) -> None:
    with pytest.raises(ValueError, match=r"texts\(=.*must be a column of texts"):
        sms.segments_of(texts)


@pytest.mark.parametrize(
    "column",
    [
        ["a", None],
        pd.Series(["a", None]),
        pa.array(["a", None]),
        ["a", 5],
        np.array([["a"], ["b"]]),
    ],
    ids=["None", "NA", "null", "number", "table"],
)
def test_a_missing_text_is_refused_with_its_place(column: Any) -> None:
    with pytest.raises(ValueError, match=r"texts\[[01]\]\(=.*must be a text"):
        sms.segments_of(column)
    with pytest.raises(ValueError, match="counting"):
        sms.segments_of(["a"], "bytes")  # type: ignore[arg-type]


@given(st.text("a码" + EURO, max_size=300), st.text(st.characters(exclude_characters="【】")))
def test_mainland_counts_70_and_67_with_the_signature(text: str, signature: str) -> None:
    signature = signature or "Shop"
    counted = sms.mainland_segments(text, signature)
    assert counted == sms.segments("码" * (len(signature) + 2 + len(text)))


@pytest.mark.parametrize("signature", ["", "【Shop】"])
def test_a_signature_is_a_name_without_brackets(signature: str) -> None:
    with pytest.raises(ValueError, match=r"signature\(='.*'\) must be a name"):
        sms.mainland_segments("text", signature)
