"""The rules that the review holds a template to, one function per rule.

First the general rules about words, signs and variables, then those of one-time passwords
(DOMAIN.md section 3), then those of single countries (section 11).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from smssim.sms.reference import reference
from smssim.sms.templates.variables import (
    CODES,
    INFERENCE,
    MAINLAND,
    REGISTRATION,
    REVIEW,
    SPECIFICATION,
    Finding,
    Link,
    Variable,
    finding,
    stray_braces,
)

__all__ = [
    "FEWEST_DIGITS",
    "FILED_CONTENT",
    "FILED_LINKS",
    "MALAYSIA",
    "MOST_DIGITS",
    "MOST_DIGITS_BY_FAQ",
    "adjacent_variables",
    "all_variables",
    "contact_variables",
    "filed_content",
    "filed_links",
    "forbidden_symbols",
    "forbidden_topics",
    "link_rules",
    "malaysia",
    "malformed_variables",
    "mixed_syntaxes",
    "otp_digits",
    "otp_keyword",
    "otp_links",
    "otp_numeric_variable",
    "reads_as_otp",
    "square_brackets",
    "variable_count",
]

_MOST_VARIABLES = 20
_NAMES = (
    "TXT_n or NUM_n (n 1 to 20), DATE, TIME; or 1, 2, ..., PHONE, CHARDIGIT, DATETIME, MONEY, TEXT"
)
FEWEST_DIGITS, MOST_DIGITS, MOST_DIGITS_BY_FAQ = 4, 8, 6
_KEYWORD = re.compile(
    r"(?:verification|registration|dynamic)\s+code|验证码|驗證碼|注册码|註冊碼|动态码|動態碼",
    re.IGNORECASE,
)
_MAY_BE_DIGITS = ("numbered", "CHARDIGIT")
FILED_LINKS = ("AE", "SA", "TH")
FILED_CONTENT = ("GB", "TW")
MALAYSIA = "MY"
_PLUS_NUMBER = re.compile(r"\+[0-9](?:[ ().-]{0,2}[0-9]){6,14}")
_BRACKETS = re.compile(r"[\[\]［］【】]")
_SYMBOLS = re.compile(r"\^_\^|[¥￥★&√]")
_OLD_SYMBOLS = re.compile("※")
# The listed topics with words, English and Chinese, by which a reviewer would recognise them; which
# words do so is an inference.
_TOPICS = {
    "stocks": r"stocks|stock (?:market|tips?|picks?|trading|exchange)|股票|炒股",
    "immigration": r"immigrations?|immigrate|emigrat(?:e|ion)|移民",
    "finance": r"financ(?:e|es|ial|ing)|wealth management|金融|理财|融资",
    "interviews": r"interviews?|面试",
    "gambling": r"gambl(?:e|ing)|casinos?|betting|赌博|博彩|赌场",
    "lottery": r"lotter(?:y|ies)|jackpots?|彩票",
    "rebates": r"rebates?|cash-?backs?|返利|返现",
    "loans": r"loans?|lending|borrow(?:ing)?|贷款|借款",
    "payment reminders": r"(?:re)?payments? (?:reminders?|(?:(?:is|are) )?(?:over)?due)|overdue"
    r"|past due|outstanding (?:balance|amount|bill|payment)s?|催款|催收|逾期|欠款",
    "investment": r"investments?|invest(?:ing|ors?)?|投资",
    "prizes": r"prizes?|lucky draws?|奖品|中奖|抽奖",
    "medical": r"medicals?|medicines?|医疗|药品",
    "cosmetic surgery": r"(?:cosmetic|plastic) surger(?:y|ies)|整形|整容|医美",
    "bars": r"(?<!progress )(?<!status )(?<!chocolate )bars?(?! ?(?:code|chart)s?\b)"
    r"|nightclubs?|酒吧|夜店",
    "group invitations": r"(?:join|joining|invit\w+ (?:you )?(?:to|into)) (?:[\w']+ ){0,3}groups?"
    r"|group (?:chat )?invit(?:e|es|ation|ations)|加群|进群|入群|群聊邀请",
    "app download links": r"(?:download|install)\w* (?:[\w']+ ){0,3}apps?|apps? download\w*"
    r"|\S*(?:play\.google\.com|apps\.apple\.com)\S*|\S+\.apk|下载\s?app|app\s?下载|下载应用",
    "user recall": r"(?:we )?miss(?:ed)? you|come back|welcome back|win-?back|user recalls?"
    r"|haven.t (?:seen|visited|logged|ordered)|long time no see|召回|好久不见|回归",
}
_TOPIC_PATTERNS = {
    topic: re.compile(rf"(?<![^\W\u4e00-\u9fff])(?:{words})(?![a-zA-Z])", re.IGNORECASE)
    for topic, words in _TOPICS.items()
}


def square_brackets(text: str, fixed: str) -> Iterator[Finding]:
    """No square brackets, nor 【】, which enclose a signature.

    The lenticular brackets are taken for square ones, for a signature written into the content
    is a reason of rejection (DOMAIN.md section 4), and international messages have none.
    """
    for match in _BRACKETS.finditer(fixed):
        must = "must not be there: no square brackets, no signature in the content"
        yield finding("square_brackets", text, match.span(), must, SPECIFICATION)


def forbidden_symbols(text: str, fixed: str) -> Iterator[Finding]:
    """None of ¥ ★ ^_^ & √; and ※ of older versions, which is a warning.

    The full-width yen sign counts as the yen sign.
    """
    for match in _SYMBOLS.finditer(fixed):
        must = "must not be there: no ¥ ★ ^_^ & √"
        yield finding("forbidden_symbol", text, match.span(), must, SPECIFICATION)
    for match in _OLD_SYMBOLS.finditer(fixed):
        must = "must not be there by older versions of the rules"
        yield finding("forbidden_symbol", text, match.span(), must, SPECIFICATION, "warning")


def link_rules(
    text: str, links: tuple[Link, ...], variables: tuple[Variable, ...]
) -> Iterator[Finding]:
    """Links are fixed text, neither short nor redirecting.

    A link that a variable brings in whole shows in its value (`check_values`).
    """
    for link in links:
        span = link.start, link.end
        if any(link.start <= variable.start < link.end for variable in variables):
            must = "must be fixed text: no links through variables"
            yield finding("link_variable", text, span, must, SPECIFICATION)
        if link.is_short or link.leads_on:
            must = "must be neither a short nor a redirecting link"
            yield finding("short_link", text, span, must, SPECIFICATION)


def forbidden_topics(text: str, fixed: str) -> Iterator[Finding]:
    """A word of a topic that is on the list of forbidden content, as a warning.

    The list has 17 topics (DOMAIN.md section 3); whether one is meant, a reviewer decides.
    """
    for topic, pattern in _TOPIC_PATTERNS.items():
        for match in pattern.finditer(fixed):
            must = f"may be read as forbidden content: {topic}"
            source = f"{SPECIFICATION}; words {INFERENCE}"
            yield finding("forbidden_topic", text, match.span(), must, source, "warning")


def malformed_variables(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """A variable is ${NAME} with a name of either syntax, and there are no other braces.

    Names are upper case, numbers without leading zeros.
    """
    for variable in variables:
        if not variable.type:
            span = variable.start, variable.end
            must = f"must be ${{NAME}}, NAME one of {_NAMES}"
            yield finding("malformed_variable", text, span, must, SPECIFICATION)
    for span in stray_braces(text):
        yield finding("malformed_variable", text, span, "must be part of ${NAME}", SPECIFICATION)


def mixed_syntaxes(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """One syntax a template: the pages show the older or the newer, never both together.

    The place is the first variable of the other syntax.
    """
    recognised = [variable for variable in variables if variable.syntax]
    for variable in recognised:
        if variable.syntax != recognised[0].syntax:
            must = (
                f"should be of the {recognised[0].syntax} syntax, as ${{{recognised[0].name}}} is"
            )
            span = variable.start, variable.end
            yield finding("mixed_syntaxes", text, span, must, INFERENCE, "warning")
            return


def variable_count(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """At most 20 variables, whichever they are.

    The place is from the 21st on.
    """
    if len(variables) > _MOST_VARIABLES:
        span = variables[_MOST_VARIABLES].start, variables[-1].end
        must = f"must not be there: at most {_MOST_VARIABLES} variables, not {len(variables)}"
        yield finding("variable_count", text, span, must, SPECIFICATION)


def all_variables(text: str, fixed: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """Not all variables; fixed text of punctuation alone is a warning.

    White space is no fixed text.
    """
    rest = fixed.replace("\0", "").strip()
    if not variables or any(character.isalnum() for character in rest):
        return
    must = "must have fixed text, too, not variables alone"
    span = 0, len(text)
    if rest:
        yield finding("all_variables", text, span, must, INFERENCE, "warning")
    else:
        yield finding("all_variables", text, span, must, SPECIFICATION)


def adjacent_variables(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """No consecutive variables; with white space alone between them it is a warning.

    An older page allowed up to four in a row; what is submitted now is read by the newer.
    """
    for left, right in pairwise(variables):
        between, span = text[left.end : right.start], (left.start, right.end)
        if not between:
            must = "must have fixed text between the variables"
            yield finding("adjacent_variables", text, span, must, SPECIFICATION)
        elif between.isspace():
            must = "may be read as consecutive variables"
            yield finding("adjacent_variables", text, span, must, INFERENCE, "warning")


def contact_variables(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """No contact data through variables, though the mainland's syntax has one for phone numbers.

    The two pages differ, so it is a warning.
    """
    for variable in variables:
        if variable.type == "PHONE":
            must = "should not be there: no contact data through variables"
            span = variable.start, variable.end
            source = f"{SPECIFICATION}; {MAINLAND}"
            yield finding("contact_variable", text, span, must, source, "warning")


def _has_keyword(fixed: str) -> bool:
    """Return whether fixed text names a verification, registration or dynamic code.

    Case does not matter; the Chinese words count in both scripts.
    """
    return _KEYWORD.search(fixed) is not None


def reads_as_otp(fixed: str, variables: tuple[Variable, ...]) -> bool:
    """Return whether a template looks like a one-time password: the keyword and one numeric value.

    A value of a numbered or CHARDIGIT variable may be numeric.
    """
    return (
        len(variables) == 1
        and variables[0].type in ("NUM", *_MAY_BE_DIGITS)
        and _has_keyword(fixed)
    )


def otp_keyword(text: str, fixed: str) -> Iterator[Finding]:
    """The content holds one of: verification code, registration code, dynamic code.

    The Chinese words for them serve, too.
    """
    if not _has_keyword(fixed):
        must = "must hold 'verification code', 'registration code' or 'dynamic code'"
        yield finding("otp_keyword", text, (0, len(text)), must, REVIEW)


def otp_numeric_variable(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """Exactly one variable, of digits: ${NUM_n}.

    In the newer syntax ${1} and ${CHARDIGIT} may hold digits, which the text does not show: a
    warning. A variable whose name is not known is judged by `malformed_variables` alone.
    """
    if len(variables) != 1:
        span = (variables[0].start, variables[-1].end) if variables else (0, len(text))
        must = f"must have exactly one variable, not {len(variables)}"
        yield finding("otp_variable_count", text, span, must, REVIEW)
    for variable in variables:
        span = variable.start, variable.end
        if variable.type in _MAY_BE_DIGITS:
            must = "must hold digits alone, which only its values show"
            yield finding("otp_numeric", text, span, must, INFERENCE, "warning")
        elif variable.type not in ("NUM", ""):
            yield finding("otp_numeric", text, span, "must be numeric, as ${NUM_n} is", REVIEW)


def otp_digits(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """At most 6 digits by the international FAQ, 8 by the mainland's, and never under 4.

    What is sent is refused (E200051) outside 4 to 8 digits, so 7 and 8 are a warning.
    """
    for variable in variables:
        if variable.type != "NUM" or variable.most is None:
            continue
        span = variable.start, variable.end
        if not FEWEST_DIGITS <= variable.most <= MOST_DIGITS:
            must = f"must hold {FEWEST_DIGITS} to {MOST_DIGITS} digits (E200051)"
            yield finding("otp_digits", text, span, must, CODES)
        elif variable.most > MOST_DIGITS_BY_FAQ:
            must = f"should hold at most {MOST_DIGITS_BY_FAQ} digits; the mainland allows 8"
            yield finding("otp_digits", text, span, must, f"{REVIEW}; {MAINLAND}", "warning")


def otp_links(text: str, links: tuple[Link, ...]) -> Iterator[Finding]:
    """No links in one-time password templates.

    Only the mainland's page says so, so it is a warning.
    """
    for link in links:
        must = "should not be there: no links in one-time passwords"
        yield finding("otp_link", text, (link.start, link.end), must, MAINLAND, "warning")


def _rule(country: str) -> str:
    rows = (row for row in reference("sending_rules") if row["iso2"] == country)
    row = next(rows)
    # Where the whole message is to be filed, the rule is in the column of the sender ID.
    return f"in {country}: {row['content_rule'] or row['sender_id_rule']}"


def filed_content(text: str, countries: Collection[str]) -> Iterator[Finding]:
    """GB and TW: the content is filed before it is sent.

    No text shows whether it was, so it is a warning.
    """
    for country in sorted(set(FILED_CONTENT) & set(countries)):
        span = 0, len(text)
        yield finding("filed_content", text, span, _rule(country), REGISTRATION, "warning")


def filed_links(
    text: str, links: tuple[Link, ...], countries: Collection[str], filed: Collection[str]
) -> Iterator[Finding]:
    """SA, AE and TH: links only after filing.

    A link is filed if *filed* has it letter for letter.
    """
    for country in sorted(set(FILED_LINKS) & set(countries)):
        for link in links:
            if link.url not in filed:
                span = link.start, link.end
                yield finding("filed_links", text, span, _rule(country), REGISTRATION)


def malaysia(
    text: str,
    fixed: str,
    links: tuple[Link, ...],
    variables: tuple[Variable, ...],
    brand: str | None,
) -> Iterator[Finding]:
    """MY: no link, no phone number, and the brand or company name in the fixed text.

    Case does not matter in the name; without a *brand* to look for it is a warning.
    """
    rule, _, brand_rule = _rule(MALAYSIA).partition("; ")
    for link in links:
        yield finding("malaysia_link", text, (link.start, link.end), rule, REGISTRATION)
    phones = [(v.start, v.end) for v in variables if v.type == "PHONE"]
    for span in sorted({*phones, *_phone_numbers(fixed)}):
        yield finding("malaysia_phone_number", text, span, rule, REGISTRATION)
    span = 0, len(text)
    if brand is None:
        message = f"in {MALAYSIA}: {brand_rule}; brand(=None) was not given to look for"
        yield finding("malaysia_brand", text, span, message, REGISTRATION, "warning")
    elif brand.casefold() not in fixed.casefold():
        message = f"in {MALAYSIA}: {brand_rule}; brand(={brand!r}) is not in it"
        yield finding("malaysia_brand", text, span, message, REGISTRATION)


def _phone_numbers(fixed: str) -> list[tuple[int, int]]:
    """Return the spans of valid Malaysian numbers, and of any 7 to 15 digits after a plus.

    Dates, amounts and order numbers are none, by the national numbering plan.
    """
    from phonenumbers import PhoneNumberMatcher

    spans = [match.span() for match in _PLUS_NUMBER.finditer(fixed)]
    for match in PhoneNumberMatcher(fixed, MALAYSIA):
        if not any(start < match.end and match.start < end for start, end in spans):
            spans.append((match.start, match.end))
    return sorted(spans)
