"""Rules of one-time password templates: one numeric variable, a keyword, no link.

They are those of DOMAIN.md section 3 under "OTP".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smssim.sms.templates.finding import CODES, INFERENCE, MAINLAND, REVIEW, Finding, finding
from smssim.sms.templates.links import Link
from smssim.sms.templates.variables import Variable

FEWEST_DIGITS, MOST_DIGITS, MOST_DIGITS_BY_FAQ = 4, 8, 6
_KEYWORD = re.compile(
    r"(?:verification|registration|dynamic)\s+code|验证码|驗證碼|注册码|註冊碼|动态码|動態碼",
    re.IGNORECASE,
)
_MAY_BE_DIGITS = ("numbered", "CHARDIGIT")


def has_keyword(fixed: str) -> bool:
    """Return whether fixed text names a verification, registration or dynamic code.

    Case does not matter; the Chinese words count in both scripts.
    """
    return _KEYWORD.search(fixed) is not None


def reads_as_otp(fixed: str, variables: tuple[Variable, ...]) -> bool:
    """Return whether a template looks like a one-time password: the keyword and one numeric value.

    A value of a numbered or CHARDIGIT variable may be numeric.
    """
    return (
        len(variables) == 1 and variables[0].kind in ("NUM", *_MAY_BE_DIGITS) and has_keyword(fixed)
    )


def keyword(text: str, fixed: str) -> Iterator[Finding]:
    """The content holds one of: verification code, registration code, dynamic code.

    The Chinese words for them serve, too.
    """
    if not has_keyword(fixed):
        must = "must hold 'verification code', 'registration code' or 'dynamic code'"
        yield finding("otp_keyword", text, (0, len(text)), must, REVIEW)


def one_numeric_variable(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """Exactly one variable, of digits: ${NUM_n}.

    In the newer syntax ${1} and ${CHARDIGIT} may hold digits, which the text does not show: a
    warning. A variable whose name is not known is judged by `places.malformed` alone.
    """
    if len(variables) != 1:
        span = (variables[0].start, variables[-1].end) if variables else (0, len(text))
        must = f"must have exactly one variable, not {len(variables)}"
        yield finding("otp_variable_count", text, span, must, REVIEW)
    for variable in variables:
        span = variable.start, variable.end
        if variable.kind in _MAY_BE_DIGITS:
            must = "must hold digits alone, which only its values show"
            yield finding("otp_numeric", text, span, must, INFERENCE, "warning")
        elif variable.kind not in ("NUM", ""):
            yield finding("otp_numeric", text, span, "must be numeric, as ${NUM_n} is", REVIEW)


def digits(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """At most 6 digits by the international FAQ, 8 by the mainland's, and never under 4.

    What is sent is refused (E200051) outside 4 to 8 digits, so 7 and 8 are a warning.
    """
    for variable in variables:
        if variable.kind != "NUM" or variable.most is None:
            continue
        span = variable.start, variable.end
        if not FEWEST_DIGITS <= variable.most <= MOST_DIGITS:
            must = f"must hold {FEWEST_DIGITS} to {MOST_DIGITS} digits (E200051)"
            yield finding("otp_digits", text, span, must, CODES)
        elif variable.most > MOST_DIGITS_BY_FAQ:
            must = f"should hold at most {MOST_DIGITS_BY_FAQ} digits; the mainland allows 8"
            yield finding("otp_digits", text, span, must, f"{REVIEW}; {MAINLAND}", "warning")


def no_links(text: str, links: tuple[Link, ...]) -> Iterator[Finding]:
    """No links in one-time password templates.

    Only the mainland's page says so, so it is a warning.
    """
    for link in links:
        must = "should not be there: no links in one-time passwords"
        yield finding("otp_link", text, (link.start, link.end), must, MAINLAND, "warning")
