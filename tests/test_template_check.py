"""The check of templates: one test per rule, named after it, then laws about all texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smssim
from smssim.sms.reference import reference
from smssim.sms.templates import rules
from smssim.sms.templates.variables import SHORT_HOSTS, Finding, links

OTP = "Your verification code is ${NUM_6}."
NOTE = "Your order ${TXT_8} is on its way."


def check(text: str, type: str = "notification", **more: Any) -> tuple[Finding, ...]:
    return smssim.check_template(text, type, **more)


def findings_in(text: str, type: str = "notification", **more: Any) -> list[tuple[str, str, str]]:
    """Severity, rule and place of every finding."""
    findings = check(text, type, **more)
    return [(item.severity, item.rule, text[item.start : item.end]) for item in findings]


@pytest.mark.parametrize(
    ("text", "type"),
    [
        (OTP, "otp"),
        (NOTE, "notification"),
        ("Fixed text alone.", "notification"),
        ("On ${DATE} at ${TIME} your ${TXT_20} arrives, ${NUM_20} pieces.", "notification"),
        ("On ${DATETIME} you paid ${MONEY} for ${CHARDIGIT}: ${TEXT}.", "notification"),
        ("Order ${1} of customer ${2} is ready.", "notification"),
        ("It costs $5 or 5 €, 100% sure; call it A/B (really)!", "notification"),
        ("See https://www.example.com/help for order ${TXT_8}.", "notification"),
        ("您的验证码是${NUM_6}。", "otp"),
        ("Use DYNAMIC CODE ${NUM_4} to log in.", "otp"),
    ],
)
def test_a_template_by_the_rules_passes(text: str, type: str) -> None:
    assert check(text, type) == ()


def test_type_is_otp_or_notification() -> None:
    with pytest.raises(ValueError, match=r"type\(='promotional'\) must be one of otp, notif"):
        check(NOTE, "promotional")


def test_countries_are_known_codes() -> None:
    assert check(NOTE, countries=["ID", "PH"]) == ()
    with pytest.raises(ValueError, match=r"countries\(='UK'\) must be ISO 3166 codes"):
        check(NOTE, countries=["ID", "UK"])
    with pytest.raises(ValueError, match=r"countries\(='MY'\) must be a list of country codes"):
        check(NOTE, countries="MY")


def test_brand_and_links_have_their_types() -> None:
    with pytest.raises(ValueError, match=r"brand\(=' '\) must be a name"):
        check(NOTE, brand=" ")
    with pytest.raises(ValueError, match=r"filed_links\(='a.com'\) must be a list of links"):
        check(NOTE, filed_links="a.com")


def test_template_length() -> None:
    assert findings_in("a" * 500) == []
    assert findings_in("a" * 501) == [("error", "length", "a" * 501)]
    # As it is written: 492 characters and a variable of 8.
    assert findings_in("a" * 492 + "${TXT_1}") == []
    assert [rule for _, rule, _ in findings_in("a" * 493 + "${TXT_1}")] == ["length"]


@pytest.mark.parametrize("text", ["", " \n"], ids=["nothing", "white space"])
def test_template_empty(text: str) -> None:
    assert findings_in(text) == [("error", "empty", text)]


@pytest.mark.parametrize("bracket", list("[]［］【】"))
def test_template_square_brackets(bracket: str) -> None:
    assert findings_in(f"Shop{bracket} open") == [("error", "square_brackets", bracket)]


@pytest.mark.parametrize("symbol", ["¥", "￥", "★", "^_^", "&", "√"])
def test_template_forbidden_symbols(symbol: str) -> None:
    assert findings_in(f"Hello {symbol} all") == [("error", "forbidden_symbol", symbol)]


def test_template_symbol_of_older_versions() -> None:
    assert findings_in("Note ※ this") == [("warning", "forbidden_symbol", "※")]
    assert findings_in("x^2 and a_b") == []


def test_template_variable_count() -> None:
    text = "-".join(["${TXT_5}"] * 20) + " to you"
    assert findings_in(text) == []
    more = "${NUM_1} + ${NUM_2}"
    assert findings_in(f"{text} {more}") == [("error", "variable_count", more)]


@pytest.mark.parametrize("text", ["${TXT_5}", " ${TXT_5}\n"])
def test_template_all_variables(text: str) -> None:
    assert findings_in(text) == [("error", "all_variables", text)]


def test_template_punctuation_alone() -> None:
    assert findings_in("${DATE}: ${TXT_5}!") == [("warning", "all_variables", "${DATE}: ${TXT_5}!")]


def test_template_adjacent_variables() -> None:
    pair = "${TXT_5}${NUM_2}"
    assert findings_in(f"Hello {pair}") == [("error", "adjacent_variables", pair)]
    three = [place for *_, place in findings_in(f"Hello {pair}${{DATE}}")]
    assert three == [pair, "${NUM_2}${DATE}"]


def test_template_variables_with_white_space_between() -> None:
    pair = "${DATE} ${TIME}"
    assert findings_in(f"Due {pair}") == [("warning", "adjacent_variables", pair)]
    assert findings_in("Due ${DATE}, ${TIME}") == []


@pytest.mark.parametrize(
    "variable",
    [
        *("${TXT_21}", "${TXT_0}", "${NUM_0}", "${NUM_21}", "${NUM_05}", "${NUM_}", "${TXT}"),
        *(
            "${txt_5}",
            "${ NUM_5 }",
            "${}",
            "${0}",
            "${01}",
            "${-1}",
            "${NAME}",
            "${DATE_1}",
            "${٣}",
        ),
        *("{NUM_5}", "{", "}", "${"),
    ],
)
def test_template_malformed_variable(variable: str) -> None:
    assert findings_in(f"Hello {variable} all") == [("error", "malformed_variable", variable)]


def test_template_nested_braces() -> None:
    places = [place for _, _, place in findings_in("Hello ${a{b}c} all")]
    assert places == ["${", "{b}", "}"]


def test_template_mixed_syntaxes() -> None:
    assert findings_in("Hello ${TXT_5}, ${1} of ${NUM_2}") == [
        ("warning", "mixed_syntaxes", "${1}")
    ]
    assert findings_in("Hello ${TEXT}, ${DATE}!") == [("warning", "mixed_syntaxes", "${DATE}")]


def test_template_contact_data_through_variable() -> None:
    assert findings_in("Call ${PHONE} now") == [("warning", "contact_variable", "${PHONE}")]


@pytest.mark.parametrize(
    "link", ["https://example.com/${TXT_8}", "https://${TXT_8}", "${TXT_8}.com", "a.${1}.io/x"]
)
def test_template_link_through_variable(link: str) -> None:
    assert ("error", "link_variable", link) in findings_in(f"See {link} today")


@pytest.mark.parametrize(
    "link",
    [
        "bit.ly/3abc",
        "HTTPS://BIT.LY/3abc",
        "http://www.tinyurl.com/x",
        *(f"{host}/x" for host in sorted(SHORT_HOSTS)),
    ],
)
def test_template_short_link(link: str) -> None:
    assert findings_in(f"See {link}, please") == [("error", "short_link", link)]


@pytest.mark.parametrize("target", ["https://b.org", "https%3A%2F%2Fb.org"])
def test_template_redirecting_link(target: str) -> None:
    link = f"https://a.com/?next={target}"
    assert findings_in(f"See {link}.") == [("error", "short_link", link)]


def test_template_forbidden_topic() -> None:
    assert findings_in("You won a Prize") == [("warning", "forbidden_topic", "Prize")]
    assert findings_in("A surprise: in stock again") == []


def test_otp_exactly_one_variable() -> None:
    text = "Your verification code: "
    assert findings_in(text, "otp") == [("error", "otp_variable_count", text)]
    two = "${NUM_6}, or ${NUM_4}"
    assert findings_in(text + two, "otp") == [("error", "otp_variable_count", two)]


@pytest.mark.parametrize("name", ["TXT_6", "DATE", "TIME", "DATETIME", "MONEY", "TEXT"])
def test_otp_variable_is_numeric(name: str) -> None:
    variable = f"${{{name}}}"
    assert findings_in(f"Verification code {variable}", "otp") == [
        ("error", "otp_numeric", variable)
    ]


@pytest.mark.parametrize("variable", ["${1}", "${CHARDIGIT}"])
def test_otp_variable_that_may_be_numeric(variable: str) -> None:
    assert findings_in(f"Verification code {variable}", "otp") == [
        ("warning", "otp_numeric", variable)
    ]


def test_otp_keyword() -> None:
    for words in ("Verification Code", "registration  code", "dynamic\ncode", "验证码", "動態碼"):
        assert findings_in(f"{words}: ${{NUM_6}}", "otp") == []
    for words in ("Your code", "verification", "verificationcode", "verification ${NUM_6} code"):
        assert ("error", "otp_keyword") in {
            x[:2] for x in findings_in(f"{words}: ${{NUM_6}}", "otp")
        }


@pytest.mark.parametrize(
    ("most", "severity"),
    [(3, "error"), (4, ""), (6, ""), (7, "warning"), (8, "warning"), (9, "error")],
)
def test_otp_digits(most: int, severity: str) -> None:
    variable = f"${{NUM_{most}}}"
    expected = [(severity, "otp_digits", variable)] if severity else []
    assert findings_in(f"Verification code {variable}", "otp") == expected


def test_otp_link() -> None:
    text = f"{OTP} See example.com/help."
    assert findings_in(text, "otp") == [("warning", "otp_link", "example.com/help")]
    assert findings_in(text) == []


def test_malaysia_link() -> None:
    text = "Acme: see www.acme.com"
    assert findings_in(text, countries=["MY"], brand="Acme") == [
        ("error", "malaysia_link", "www.acme.com")
    ]
    assert findings_in(text, countries=["ID"]) == []


@pytest.mark.parametrize(
    "phone", ["+60 12-345 6789", "012-345 6789", "1-300-88-2525", "+4915123456789"]
)
def test_malaysia_phone_number(phone: str) -> None:
    text = f"Acme: call {phone} today"
    expected = [("error", "malaysia_phone_number", phone)]
    assert findings_in(text, countries=["MY"], brand="Acme") == expected
    assert findings_in(text) == []


def test_malaysia_phone_number_through_variable() -> None:
    rule_names = [
        rule for _, rule, _ in findings_in("Acme: ${PHONE}", countries=["MY"], brand="Acme")
    ]
    assert rule_names == ["contact_variable", "malaysia_phone_number"]


def test_malaysia_dates_and_amounts_are_no_phone_numbers() -> None:
    text = "Acme, 2024-01-22 10:00 and 2024/01/22: order 20240122, RM 1,234.50, code ${NUM_12}"
    assert findings_in(text, countries=["MY"], brand="Acme") == []


def test_malaysia_brand() -> None:
    assert findings_in("ACME: hello", countries=["MY"], brand="Acme") == []
    text = "Hello ${TXT_8}"
    assert findings_in(text, countries=["MY"]) == [("warning", "malaysia_brand", text)]
    assert findings_in(text, countries=["MY"], brand="Acme") == [("error", "malaysia_brand", text)]
    # A name in the variable is no name in the template.
    assert findings_in(text, countries=["MY"], brand="TXT") == [("error", "malaysia_brand", text)]


@pytest.mark.parametrize("country", ["SA", "AE", "TH"])
def test_links_are_filed(country: str) -> None:
    text = "See acme.com/a or https://acme.com/b."
    links = ["acme.com/a", "https://acme.com/b"]
    expected = [("error", "filed_links", link) for link in links]
    assert findings_in(text, countries=[country]) == expected
    assert findings_in(text, countries=[country], filed_links=links[:1]) == expected[1:]
    assert findings_in(text, countries=[country], filed_links=links) == []


@pytest.mark.parametrize("country", ["TW", "GB"])
def test_content_is_filed(country: str) -> None:
    assert findings_in(NOTE, countries=[country]) == [("warning", "filed_content", NOTE)]


def test_every_country_with_a_content_rule_is_looked_at() -> None:
    """A rule that is added to the table asks for its own check."""
    in_table = {
        row["iso2"] for row in reference("sending_rules") if row["content_rule"] and row["iso2"]
    }
    in_table |= {r["iso2"] for r in reference("sending_rules") if "content" in r["sender_id_rule"]}
    looked_at = {*rules.FILED_LINKS, *rules.FILED_CONTENT, rules.MALAYSIA}
    assert in_table == looked_at


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("(see https://a.b/c?d=e), ok", ["https://a.b/c?d=e"]),
        ("go to EXAMPLE.COM. Or example.com.my!", ["EXAMPLE.COM", "example.com.my"]),
        ("请访问example.com/帮助", ["example.com/"]),
        ("mail help@example.com, at 5 p.m. e.g. today.It is v1.2/3", []),
        ("node.js and Acme Co. Ltd", []),
        ("ftp://files.example", ["ftp://files.example"]),
    ],
)
def test_links_are_read(text: str, urls: list[str]) -> None:
    assert [link.url for link in links(text)] == urls


def test_all_flaws_are_told_at_once_in_the_order_of_the_text() -> None:
    text = "[Shop] & ${TXT_21}${NUM_6} ${1} { bit.ly/${TXT_5} prize " + "a" * 500
    findings = check(text, "otp", countries=["MY", "TH", "TW"], brand="Acme")
    assert {item.rule for item in findings} >= {
        *("length", "square_brackets", "forbidden_symbol", "malformed_variable", "mixed_syntaxes"),
        *("adjacent_variables", "link_variable", "short_link", "forbidden_topic", "otp_link"),
        *("otp_variable_count", "otp_numeric", "otp_keyword", "malaysia_link", "malaysia_brand"),
        *("filed_links", "filed_content"),
    }
    places = [(item.start, item.end) for item in findings]
    assert places == sorted(places)


def test_a_message_shows_the_value_the_rule_and_the_source() -> None:
    (item,) = check("Hello [all")
    assert str(item) == (
        "error square_brackets: text[6:7](='[') must not be there: no square brackets, "
        "no signature in the content ([I] sms_faq_0003, sms_faq_0076)"
    )
    assert item.source == "[I] sms_faq_0003, sms_faq_0076"
    with pytest.raises(AttributeError):
        item.rule = "other"  # type: ignore[misc]


bits = [
    "${",
    "}",
    "{",
    "$",
    "NUM_6",
    "${TXT_5}",
    "${1}",
    " ",
    "verification code",
    "[",
    "^_^",
    "+60",
]
bits += ["12345678", ".com", "http://", "www.", "/", "bit.ly", "验证码", "\0", "\ud800", "-"]
any_text = st.one_of(st.text(), st.lists(st.sampled_from(bits), max_size=30).map("".join))


@given(any_text, st.sampled_from(["otp", "notification"]))
@settings(deadline=None)
def test_any_text_is_checked_and_places_lie_within_it(text: str, type: str) -> None:
    findings = check(text, type, countries=["MY", "SA", "AE", "TH", "TW", "GB"])
    for item in findings:
        assert 0 <= item.start <= item.end <= len(text)
        assert item.message
        assert item.source
    places = [(item.start, item.end) for item in findings]
    assert places == sorted(places)
    assert len(set(findings)) == len(findings)


words = st.text("abcdefghijklmnopqrstuvwxyzäß验码 0123456789", min_size=1, max_size=12)
variables = st.one_of(
    st.builds("${{{}_{}}}".format, st.sampled_from(["TXT", "NUM"]), st.integers(1, 20)),
    st.sampled_from(["${DATE}", "${TIME}"]),
)


@given(st.lists(st.tuples(words, variables), max_size=20))
def test_a_notification_built_by_the_rules_has_no_errors(pairs: list[tuple[str, str]]) -> None:
    text = "Hello" + "".join(f" {word},{variable}" for word, variable in pairs)
    errors = [item for item in check(text[:500]) if item.severity == "error"]
    assert len(text) > 500 or not errors


@given(words, words, st.integers(4, 8))
def test_a_one_time_password_built_by_the_rules_has_no_errors(
    before: str, after: str, most: int
) -> None:
    text = f"{before} registration code ${{NUM_{most}}} {after}"
    assert not [item for item in check(text, "otp") if item.severity == "error"]


TOPICS = {
    "stocks": "Buy stocks",
    "immigration": "Ask about immigration",
    "finance": "News of finance",
    "interviews": "Your interview",
    "gambling": "Online gambling",
    "lottery": "The lottery",
    "rebates": "A rebate for you",
    "loans": "Your loans",
    "payment reminders": "Payment reminder",
    "investment": "An investment",
    "prizes": "The prize",
    "medical": "A medical offer",
    "cosmetic surgery": "Cosmetic surgery",
    "bars": "Visit our bar",
    "group invitations": "Join our Telegram group",
    "app download links": "Download our app",
    "user recall": "We miss you",
}
"""The list of DOMAIN.md section 3, one text per topic."""


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("type", ["otp", "notification"])
def test_all_seventeen_topics_are_warned_of(topic: str, type: str) -> None:
    assert len(TOPICS) == 17
    findings = [item for item in check(TOPICS[topic], type) if item.rule == "forbidden_topic"]
    assert [item.severity for item in findings] == ["warning"]
    assert f"forbidden content: {topic} " in findings[0].message


def test_words_that_only_look_like_a_topic() -> None:
    for text in ("A surprise: in stock again", "Scan the bar code", "The barber is ready"):
        assert findings_in(text) == []
