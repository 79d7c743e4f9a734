"""Tariffs: what is read of a price list, and how what is wrong with one is told."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_rating import PRICES, hand_made, money

from smssim import rate
from smssim.calendars import DAY
from smssim.report.rating.tariff import read_tariff


def written(path: Path, text: str) -> Path:
    """A tariff in a file."""
    file = path / "prices.csv"
    file.write_text(text, encoding="utf-8-sig")
    return file


def test_a_file_and_a_frame_are_read_alike(tmp_path: Path) -> None:
    file = written(tmp_path, "Country , price,currency\nid,0.250000,USD\n\nIndia,1e-6,USD\n")
    frame = pd.DataFrame({"country": ["ID", "IN"], "price": [0.25, 0.000001], "currency": "USD"})

    for tariff in (read_tariff(file), read_tariff(str(file)), read_tariff(frame)):
        assert tariff.currency == "USD"
        prices = {country: own[1].tolist() for country, own in tariff.prices_micro.items()}
        assert prices == {"ID": [250_000], "IN": [1]}


def test_prices_change_with_their_dates(tmp_path: Path) -> None:
    """The latest that is not after the submission counts, by the microsecond."""
    text = "country,price,currency,valid_from\nID,2,USD,2024-05-02\nID,1,USD,\nTH,3,USD,2024-05-02"
    tariff = read_tariff(written(tmp_path, f"{text}T08:00+08:00\n"))
    turn = np.datetime64("2024-05-02", "us").astype(np.int64)
    at = np.array([0, turn - 1, turn, turn + DAY])

    assert tariff.price_micro("ID", at).tolist() == [1_000_000] * 2 + [2_000_000] * 2
    assert tariff.price_micro("TH", at).tolist() == [-1] * 2 + [3_000_000] * 2
    assert tariff.price_micro("FR", at).tolist() == [-1] * 4


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["ID,0.1,USD", "QQ,1,USD"], r"row 3: country\(='QQ'\) must be an ISO 3166 code"),
        ([",0.1,USD"], r"row 2: country\(=''\)"),
        (["ID,-0.1,USD"], r"row 2: price\(=-0.1\) must be >= 0"),
        (["ID,1e9,USD"], "row 2: .* <= 1,000,000"),
        (["ID,free,USD"], r"row 2: price\(='free'\) must be a number"),
        (["ID,NaN,USD"], "row 2: price"),
        (["ID,Infinity,USD"], "row 2: price"),
        (["ID,0.0000001,USD"], r"row 2: price\(=0.0000001\) must have at most 6 decimals"),
        (["ID,1,USD", "TH,1,EUR"], r"row 3: currency\(='EUR'\) must be that of row 2, USD"),
        (["ID,1,"], r"row 2: currency\(=''\) must be three capital letters"),
        (["ID,1,USD", "id,1,USD"], "row 3: ID has a price without valid_from in row 2 already"),
        (["ID,1,USD,7"], "row 2: has more cells than the heading"),
        (["ID,,USD"], "must hold a price, and none of its rows does"),
        ([], "must hold a price"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, rows: list[str], told: str) -> None:
    file = written(tmp_path, "\n".join(["country,price,currency", *rows]))

    with pytest.raises(ValueError, match=f"prices.csv: .*{told}"):
        read_tariff(file)


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        ("country,amount,currency", "must have the columns price; it has country, amount, curr"),
        ("", "must have the columns country, price, currency; it has none"),
        ("iso2,price,price_per_sms,currency", "price and price_per_sms both hold prices"),
    ],
)
def test_a_wrong_heading_is_named(tmp_path: Path, heading: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_tariff(written(tmp_path, f"{heading}\nID,1,2,USD\n"))


def test_a_wrong_date_is_named(tmp_path: Path) -> None:
    head = "country,price,currency,valid_from\n"
    with pytest.raises(ValueError, match=r"row 2: valid_from\(='May'\) must be a UTC date"):
        read_tariff(written(tmp_path, f"{head}ID,1,USD,May"))
    twice = f"{head}ID,1,USD,2024-05-01\nID,1,USD,2024-05-01T00:00Z"
    with pytest.raises(ValueError, match="row 3: ID has a price from the same time on in row 2"):
        read_tariff(written(tmp_path, twice))


@pytest.mark.parametrize("price", [True, float("inf"), "1,5", -0.5, 0.1234567], ids=repr)
def test_a_wrong_price_of_a_frame_is_named(price: Any) -> None:
    frame = pd.DataFrame({"country": ["ID"], "price": [price], "currency": ["USD"]}, dtype=object)

    with pytest.raises(ValueError, match="the tariff: row 1: price"):
        read_tariff(frame)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_bytes(b"country,price,currency\nID,1,\xff\n")

    with pytest.raises(ValueError, match="must be text in UTF-8"):
        read_tariff(tmp_path / "prices.csv")


def test_the_reference_table_is_a_form_to_fill_in(tmp_path: Path) -> None:
    """Its prices of Huawei are empty, and those of others are never taken for them."""
    text = (resources.files("smssim.sms") / "data" / "prices.csv").read_text("utf-8")
    assert "Alibaba" in text
    # Its two prices to mainland China are examples of other sites, and are not taken either.
    with pytest.raises(ValueError, match="must hold a price, and none"):
        read_tariff(written(tmp_path, text))
    filled = text.replace("Huawei,Indonesia,ID,USD,,", "Huawei,Indonesia,ID,USD,0.25,")
    record = hand_made([("2024-05-01T00:00:00Z", "ID", 3, "DELIVRD")])
    assert money(rate(record, written(tmp_path, filled))) == [(0, None, 750_000)]


def test_countries_without_a_price_are_named_with_their_messages() -> None:
    rows = [("2024-05-01T00:00:00Z", country, 1, "DELIVRD") for country in ("TH", "FR", "TH", "ID")]
    record = hand_made(rows)

    with pytest.raises(ValueError, match=r"no price for FR \(1 messages\), TH \(2 messages\)$"):
        rate(record, PRICES)
    late = PRICES.assign(valid_from=["2024-05-03", ""])
    with pytest.raises(ValueError, match=r"ID \(1 messages before its first price\)"):
        rate(record, late)
    covered = [{"country": country, "segments": 2} for country in ("TH", "IN", "ID")]
    found = money(rate(hand_made(rows[::2]), PRICES, covered))
    assert found == [(1, 0, 0)] * 2, "what is covered needs no price"
