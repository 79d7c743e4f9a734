"""Pictures as inline SVG for a page: text stays text, and a title and a description say in words
what is drawn. The same picture gives the same bytes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["svg"]

_SIZE_IN, _LETTERS_PT = (9.6, 5.6), 14
"""For two pictures in a row."""
_FONTS = "DejaVu Sans, Verdana, Geneva, sans-serif"
"""Letters as wide as those the picture was laid out with, or narrower."""
_MOST_WORDS = 12
"""Labels in a picture that its description repeats; more are figures of a table."""
_SETTINGS: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": _LETTERS_PT,
    "svg.fonttype": "none",
    "svg.hashsalt": "smssim",
    # A name may hold dollars, which are no formulas.
    "text.parse_math": False,
}
_FOR_FILES = re.compile(
    r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->|(?<=>)\s+(?=<)",
    re.DOTALL,
)
"""What only a file of its own needs."""
_TAG = re.compile(r"<[^>]*>")
_LENGTHS = re.compile(r' (?:d|x|y|points|transform)="[^"]*"')
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")


def svg(draw: Callable[[Axes], object], name: str, words: str = "", *, low: bool = False) -> str:
    """The picture that *draw* makes on the Axes it is given, as an `<svg>` element for a page.

    *name* begins all its ids, so that pictures on one page keep apart; *words* begin the
    description, which goes on with what the picture says in letters. A *low* one has little in it.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS), warnings.catch_warnings():
        # Letters that the layout's font lacks are drawn by the browser, with one of its own.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        width, height = _SIZE_IN
        figure = Figure(figsize=(width, height * (0.6 if low else 1)))
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
        ax = figure.subplots()
        ax.tick_params(labelsize=_LETTERS_PT)
        draw(ax)
        drawn = StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
        title, description = (
            _title(ax),
            " ".join([*([words] if words else []), *_as_text(figure, ax)]),
        )
    return _element(drawn.getvalue(), name, title, description)


def _title(ax: Axes) -> str:
    return " ".join((ax.get_title(loc="left") or ax.get_title()).split())


def _as_text(figure: Figure, ax: Axes) -> Iterator[str]:
    """What is in the picture, in sentences."""
    labels = list(dict.fromkeys(" ".join(text.get_text().split()) for text in ax.texts))
    if labels := [text for text in labels if text]:
        more = len(labels) - _MOST_WORDS
        rest = f"; and {more} more labels" if more > 0 else ""
        yield f"In the picture: {'; '.join(labels[:_MOST_WORDS])}{rest}."
    legend: Any = ax.get_legend()
    if legend is not None:
        yield f"Legend: {'; '.join(text.get_text() for text in legend.get_texts())}."
    axes = {"Across": ax.get_xlabel(), "Upwards": ax.get_ylabel()}
    yield from (f"{way}: {label}." for way, label in axes.items() if label)


def _element(drawn: str, name: str, title: str, description: str) -> str:
    """The SVG of a file as an element of a page, without what only files need, and shorter."""
    from html import escape

    body = _FOR_FILES.sub("", drawn[drawn.index("<svg") :])
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', body))

    def tag(match: re.Match[str]) -> str:
        text = _LENGTHS.sub(
            lambda lengths: _NUMBER.sub(_short, " ".join(lengths[0].split("\n"))), match[0]
        )
        text = _FAMILY.sub("", text).replace("xlink:href", "href")
        text = re.sub(
            r' id="([^"]+)"', lambda i: f' id="{name}-{i[1]}"' if i[1] in used else "", text
        )
        return re.sub(r'(url\(|href=")#', rf"\g<1>#{name}-", text)

    body = _TAG.sub(tag, body)
    box = re.search(r'viewBox="([^"]+)"', body)
    inside = body[body.index(">") + 1 :]
    assert box is not None
    return (
        f'<svg viewBox="{box[1]}" font-family="{_FONTS}" role="img" '
        'style="stroke-linejoin: round; stroke-linecap: butt" '
        f'aria-labelledby="{name}-title {name}-words"><title id="{name}-title">{escape(title)}'
        f'</title><desc id="{name}-words">{escape(description)}</desc>{inside.strip()}'
    )


def _short(number: re.Match[str]) -> str:
    """A tenth of a point is finer than print, but factors need their digits."""
    value = float(number[0])
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 2 else f"{value:.4g}"
