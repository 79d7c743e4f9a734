"""Form-encoded bodies of callbacks, taken apart into their fields (DOMAIN.md section 7)."""

from __future__ import annotations

from urllib.parse import unquote_plus

from smssim.logs.captures.values import Unusable


def form(body: str) -> dict[str, str]:
    """Return the fields of a form-encoded body, each of which stands in it once."""
    pairs = [pair.partition("=") for pair in body.split("&")]
    try:
        fields = {name: _unquoted(value) for name, _, value in pairs}
    except UnicodeDecodeError:
        raise Unusable("callback.body must be form-encoded UTF-8") from None
    if len(fields) < len(pairs) or not all(equals for _, equals, _ in pairs):
        raise Unusable("callback.body must be form-encoded, each field once")
    return fields


def _unquoted(value: str) -> str:
    # The colons of updateTime are nearly all there is to decode.
    value = value.replace("%3A", ":")
    return unquote_plus(value, errors="strict") if "%" in value or "+" in value else value
