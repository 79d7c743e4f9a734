"""Mutations of what is read: templates and their values, segments, numbers, files of numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from mutant_plugin import Mutation
from mutation_kit import after, nothing, quiet, returns, value

from smssim.sms.segments import GSM7_EXTENSION

_CHECK = "smssim.sms.templates.check:_findings"


def _split_pairs(original: Any) -> Any:
    def parts(text: str, part: int, gsm7: bool) -> int:
        wide = sum(c in GSM7_EXTENSION if gsm7 else ord(c) > 0xFFFF for c in text)
        return -(-(len(text) + wide) // part)

    return parts


def _first_region(original: Any) -> Any:
    from smssim.sms import phone_numbers as numbers

    return lambda prefix, code: numbers._regions_of(prefix)[1][0]


def _one_column(original: Any) -> Any:
    def column_of(self: Any, reference: str | None) -> int:
        original(self, reference)
        return 1

    return column_of


def _unlimited(original: Any) -> Any:
    """Reads a file with no limit, and puts the limits back."""

    def read(*args: Any) -> Any:
        from smssim.sms import recipients as imported

        names = ("MAX_FILE_BYTES", "MAX_NUMBERS")
        limits = [getattr(imported, name) for name in names]
        try:
            for name in names:
                setattr(imported, name, 10**8)
            return original.__wrapped__(*args)
        finally:
            for name, limit in zip(names, limits, strict=True):
                setattr(imported, name, limit)

    read.cache_clear = lambda: None  # type: ignore[attr-defined]
    return read


def _any_size(original: Any) -> Any:
    """Unpacks whatever a part declares."""

    def chunks(self: Any, part: str) -> Any:
        yield from self._unpacked(self._entry(part))

    return chunks


TEXTS = {
    "length of a template": Mutation(_CHECK, quiet("length")),
    "empty template": Mutation(_CHECK, quiet("empty")),
    "square brackets": Mutation(_CHECK, quiet("square_brackets")),
    "forbidden symbols": Mutation(_CHECK, quiet("forbidden_symbol")),
    "20 variables": Mutation(_CHECK, quiet("variable_count")),
    "all variables": Mutation(_CHECK, quiet("all_variables")),
    "adjacent variables": Mutation(_CHECK, quiet("adjacent_variables")),
    "syntax of variables": Mutation(_CHECK, quiet("malformed_variable")),
    "one syntax": Mutation(_CHECK, quiet("mixed_syntaxes")),
    "contact data": Mutation(_CHECK, quiet("contact_variable")),
    "links in templates": Mutation(_CHECK, quiet("link_variable", "short_link")),
    "forbidden topics": Mutation(_CHECK, quiet("forbidden_topic")),
    "password keyword": Mutation(_CHECK, quiet("otp_keyword")),
    "password variable": Mutation(_CHECK, quiet("otp_variable_count", "otp_numeric")),
    "password digits": Mutation(_CHECK, quiet("otp_digits")),
    "password links": Mutation(_CHECK, quiet("otp_link")),
    "Malaysia": Mutation("smssim.sms.templates.rules:malaysia", nothing),
    "filed links": Mutation(_CHECK, quiet("filed_links")),
    "filed content": Mutation(_CHECK, quiet("filed_content")),
    "findings": Mutation("smssim.sms.templates.variables:sorted_by_place", lambda original: tuple),
    "values": Mutation("smssim.sms.templates.values:_broken_by_type", nothing),
    "value of a password": Mutation("smssim.sms.templates.values:_broken_by_otp", nothing),
    "GSM-7": Mutation("smssim.sms.segments:GSM7_PART", value(160)),
    "other alphabets": Mutation("smssim.sms.segments:OTHER_PART", value(70)),
    "counting of pairs": Mutation(
        "smssim.sms.segments:length", lambda original: lambda text, counting="huawei": len(text)
    ),
    "no pair is split": Mutation("smssim.sms.segments:_parts_of_pairs", _split_pairs),
    "a column of texts": Mutation(
        "smssim.sms.segments:_segments_of_block",
        lambda original: lambda texts, joined, counting: np.ones(len(texts), np.int64),
    ),
    "Huawei's examples": Mutation(
        "smssim.scenario.templates:Template.segment_shares", returns({1: 1.0})
    ),
    "lengths of variables": Mutation(
        "smssim.sms.templates.values:_with_value",
        lambda original: lambda states, shares, gsm7: states,
    ),
    "mainland segments": Mutation(
        "smssim.scenario.templates:Template.segment_shares",
        lambda original: lambda template, country=None: original(template),
    ),
    "number to country": Mutation(
        "smssim.sms.phone_numbers:_country_of_shared_code", _first_region
    ),
    "array of numbers": Mutation(
        "smssim.sms.phone_numbers:_is_shared", lambda original: lambda: np.zeros(1_000, bool)
    ),
    "column A": Mutation("smssim.sms.xlsx_numbers:Cells._column_of", _one_column),
    "12 MB and a million numbers": Mutation("smssim.sms.recipients:_read", _unlimited),
    "duplicates": Mutation(
        "smssim.sms.recipients:_read", after(lambda read: replace(read, duplicates=0))
    ),
    "invalid numbers": Mutation("smssim.sms.xlsx_numbers:_LAST_DATE", value(0)),
    "hostile file": Mutation("smssim.sms.xlsx_guard:Archive.chunks", _any_size),
    "hostile XML": Mutation("smssim.sms.xlsx_guard:Parser._refuse_doctype", returns(None)),
    "size of a task's file": Mutation("smssim.sms.recipients:estimated_file_bytes", returns(0)),
}
