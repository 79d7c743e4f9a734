"""Columns of numbers, countries, money and keys: read as their plain forms say."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_tables import NUMBER, piece, pieces, reasons, sends

from smssim.logs.columns.money import DecimalColumn
from smssim.logs.columns.phones import _digits_of, numbers_of
from smssim.logs.columns.texts import Secret, Texts, integers, keys_of, number_hashes
from smssim.logs.join.facts import UNKNOWN, Names
from smssim.logs.log import ColumnMappingError
from smssim.sms.country_names import country_of
from smssim.sms.reference import countries, reference

ODD = st.text("0123456789+-() '　０eE.", max_size=18)
WRITTEN = st.integers(10_000, 10**15 - 1).flatmap(
    lambda n: st.sampled_from(
        [f"{n}", f"+{n}", f"00{n}", f"+{str(n)[:2]} {str(n)[2:]}", f" '{n}", f"({str(n)[0]}){n}"]
    )
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ODD | WRITTEN | st.none(), max_size=20), st.booleans())
def test_numbers_are_those_of_the_plain_reader(texts: list[str | None], many: bool) -> None:
    """The reader of one cleaned text is the oracle, whether texts come one by one or in bulk."""
    texts = texts * 70 if many else texts
    found = numbers_of(pa.array(texts, pa.string()), Counter())
    narrow = str.maketrans("０　", "0 ")
    wanted = []
    for text in texts:
        bare = (text or "").strip().translate(narrow)
        bare = bare[1:].strip() if bare.startswith("'") and len(bare) > 1 else bare
        wanted.append(_digits_of(bare, Counter()))
    assert found.digits.tolist() == wanted
    assert found.size.tolist() == [len(str(n)) if n else 0 for n in wanted]


@given(st.lists(st.text(max_size=20) | st.from_regex(r"[0-9]{1,16}", fullmatch=True), max_size=9))
def test_integers_are_read_eight_digits_at_a_time(texts: list[str]) -> None:
    """1 to 16 ASCII digits are a numeral, nothing else is."""
    values, right = integers(pa.array(texts, pa.string()))
    numeral = [re.fullmatch("[0-9]{1,16}", text, re.ASCII) is not None for text in texts]
    assert right.tolist() == numeral
    wanted = [int(text) if ok else 0 for text, ok in zip(texts, numeral, strict=True)]
    assert values.tolist() == wanted


def test_columns_that_are_parts_of_larger_ones() -> None:
    """Slices and nulls begin anywhere in a buffer."""
    whole = pa.array(["x", None, NUMBER, f"+{NUMBER}", "", NUMBER])
    found = numbers_of(whole.slice(2, 3), Counter())
    assert found.digits.tolist() == [int(NUMBER), int(NUMBER), 0]
    assert numbers_of(pa.array([], pa.string()), Counter()).digits.tolist() == []


def test_a_number_beside_a_country() -> None:
    """The country goes before; a number of another calling code is refused."""
    names = Names()
    columns = sends(
        7,
        Phone=[NUMBER, "6.28E+12", "66812345678", "", "0812345678", "12025550123", "77011234567"],
        Country=["ID", "ID", "ID", "印尼", "Indonesia", "CA", "RU"],
    )
    found = piece(columns, names=names)
    assert reasons(found.rejected) == {
        2: ("Phone(='66812345678') must be a number of Country(='ID')",)
    }
    assert [names.country.names[i] for i in found.sends["country"]] == [*["ID"] * 4, "CA", "RU"]
    assert (found.sends["number"] > 0).tolist() == [True, False, False, False, True, True]
    assert found.repaired["unreadable phone numbers (country column used)"] == 2


def test_a_number_alone() -> None:
    """It says the country, or the row is refused."""
    names = Names()
    columns = sends(6, Phone=[NUMBER, "6.28E+12", "abc", "", "+99912345678", "0812345678"])
    found = piece(columns, names=names)
    assert names.country.names == ["ID"]
    assert reasons(found.rejected) == {
        1: (
            "Phone(='6.28E+12') was rounded by a spreadsheet, it must have all its digits or a "
            "country next to it",
        ),
        2: ("Phone(='abc') must be a phone number: its calling code, 5 to 15 digits",),
        3: ("Phone is missing",),
        4: ("Phone(='+99912345678') must be a number of some country",),
        5: ("Phone(='0812345678') must be a phone number: its calling code, 5 to 15 digits",),
    }


def test_a_typed_number() -> None:
    """As integers and as whole floats."""
    for kind in (pa.int64(), pa.float64()):
        found = piece(sends(2, Phone=pa.array([int(NUMBER), None], kind), Country=["ID", "ID"]))
        assert (found.sends["number"] > 0).tolist() == [True, False]


def test_hashes_of_numbers_do_not_tell_them() -> None:
    """Equal for equal numbers of one reading, others in the next one."""
    digits = np.arange(10**12, 10**12 + 1000)
    one, other = (number_hashes(digits, Secret.of(s).numbers) for s in (b"a", b"b"))
    assert len(np.unique(one)) == 1000
    assert not np.isin(one, other).any()
    assert number_hashes(np.array([0]), (1, 2)).tolist() == [0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=40), unique=True, max_size=40), st.integers(0, 40))
def test_keys_are_equal_just_for_equal_texts(texts: list[str], cut: int) -> None:
    """Whatever stands next to them."""
    secret = Secret.of(b"x").ids
    whole = keys_of(Texts(pa.array(texts, pa.string())), secret)
    assert len(np.unique(whole, axis=0)) == len(texts)
    some = pa.array([*texts[cut:], "x" * 100], pa.string())
    assert np.array_equal(keys_of(Texts(some), secret)[:-1], whole[cut:])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.decimals(0, 10**9, places=6), min_size=1, max_size=10),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]),
    st.integers(0, 6),
)
def test_any_amount_in_any_marks(amounts: list[Decimal], marks: tuple[str, str], n: int) -> None:
    """With its column's other values to decide what is ambiguous."""
    group, point = marks
    texts = ["0" + point + "5"]
    for amount in amounts:
        text = f"{round(amount, n):,.{n}f}".replace(",", "G").replace(".", point)
        texts.append(text.replace("G", group))
    column = DecimalColumn("cost")
    array = pa.array(texts)
    column.inspect(array)
    found, wrong = column.read(array, Counter())
    assert not wrong
    assert found.tolist() == [500_000, *(int(round(amount, n) * 10**6) for amount in amounts)]


@pytest.mark.parametrize(
    "text", ["abc", "1,2,3", "1.2.3", "1,23.4,5", "1e5", "$", "9" * 20, "9" * 5000, "²"]
)
def test_what_is_no_amount(text: str) -> None:
    """Each with its value in the reason."""
    found = piece(sends(2, Cost=[text, "1.5"]))
    ((told,),) = reasons(found.rejected).values()
    assert told.startswith(f"Cost(={text!r}"[:40])
    assert told.endswith("must be an amount of 0 or more")


def test_a_mark_that_nothing_decides_is_an_error() -> None:
    """Until a later batch has a value that does."""
    open_ = sends(Cost=["1,234"])
    with pytest.raises(
        ColumnMappingError, match=r"Cost\(='1,234'\) may have a decimal or a thousands"
    ):
        piece(open_)
    for decided, wanted in (("0.5", 1_234_000_000), ("0,5", 1_234_000), ("9,999.5", 1_234_000_000)):
        found = pieces(open_, sends(Cost=[decided]))
        assert found[0].sends["cost"][0] == wanted


def test_typed_amounts() -> None:
    """Integers, floats, decimals; nothing is not said."""
    amounts = pa.array([1, None, 1234]), pa.array([0.045, float("nan"), 1e-6])
    decimal = pa.array([Decimal("1.234"), None, Decimal("0.001")])
    wanted = [[1, UNKNOWN, 1234], [0.045, UNKNOWN, 1e-6], [1.234, UNKNOWN, 0.001]]
    for column, values in zip((*amounts, decimal), wanted, strict=True):
        found = piece(sends(3, Cost=column)).sends["cost"].tolist()
        assert found == [v if v == UNKNOWN else round(v * 10**6) for v in values]


def test_every_country_by_all_its_names() -> None:
    """ISO code in any letters, English and Chinese name; no name is two countries'."""
    for row in reference("countries"):
        names = (row["iso2"], row["iso2"].lower(), row["name"], row["name"].upper())
        for name in (*names, *row["name_zh"].split("|")):
            assert country_of(name) == row["iso2"], name
    chinese = [name for row in reference("countries") for name in row["name_zh"].split("|")]
    assert len(chinese) == len(set(chinese)) >= len(countries())
    assert all(name and not name.isascii() for name in chinese)


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("Bosnia and Herzegovina", "BA"),
        ("Cote d’Ivoire", "CI"),
        ("Saint Lucia", "LC"),
        ("Turkiye", "TR"),
        ("Viet Nam", "VN"),
        ("Hong Kong (China)", "HK"),
        ("USA", "US"),
        ("The Netherlands", "NL"),
        ("NA", "NA"),
        ("Atlantis", None),
        ("", None),
        ("001", None),
    ],
)
def test_other_names_of_countries(name: str, country: str | None) -> None:
    """As tables write them."""
    assert country_of(name) == country
