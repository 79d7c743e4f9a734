"""Reads a page as a browser and a screen reader would: its structure, and what it would load."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

from smssim.scenario import Scenario

VOID = {"meta", "link", "br", "hr", "img", "input"}
LOADING = {"src", "href", "srcset", "action", "poster", "data", "background", "formaction", "ping"}


class Reader(HTMLParser):
    """Collects what a page consists of, and every breach of its rules in `wrong`."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.pictures: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.pointed_at: list[str] = []
        self.texts: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._heard: dict[str, str] = {}
        self.feed(page)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag, _ in self._open]
        self._look_at_the_whole()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self._attributes(tag, own)
        if tag == "script":
            self.wrong.append("a script")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag == "table":
            self.tables.append([])
        if tag == "caption":
            self.captions.append("")
        if tag == "th" and own.get("scope") not in ("col", "row"):
            self.wrong.append(f"a heading cell without scope in {self.captions[-1:]}")
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag == "svg":
            self.pictures.append(("", ""))
            if own.get("role") != "img" or not own.get("aria-labelledby"):
                self.wrong.append("a picture without role or name")
        if tag not in VOID:
            self._open.append((tag, own))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.wrong.append(f"</{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if not tags or tags[-1] == "style":
            self._css(data)
            return
        self.texts.append(data)
        if re.fullmatch("h[1-6]", tags[-1]):
            level, so_far = self.headings[-1]
            self.headings[-1] = (level, so_far + data)
        if tags[-1] == "caption":
            self.captions[-1] += data
        if "svg" in tags and tags[-1] in ("title", "desc"):
            title, words = self.pictures[-1]
            self.pictures[-1] = (title + data, words) if tags[-1] == "title" else (title, data)
        if cell := {"td", "th"} & set(tags):
            assert cell
            row = self.tables[-1][-1]
            row[-1] += ("\n" if tags[-1] == "small" else "") + data

    def _attributes(self, tag: str, own: dict[str, str | None]) -> None:
        for name, value in own.items():
            if name.startswith("on"):
                self.wrong.append(f"<{tag} {name}>")
            if name == "id" and value:
                self.ids.append(value)
            if name.rpartition(":")[2] in LOADING and not (value or "").startswith(("#", "data:")):
                self.wrong.append(f"<{tag} {name}={value!r}> is loaded from elsewhere")
            if name in ("href",) and (value or "").startswith("#"):
                self.pointed_at.append((value or "")[1:])
            if name in ("aria-labelledby", "aria-describedby"):
                self.pointed_at += (value or "").split()
            self._css(value or "")

    def _css(self, text: str) -> None:
        for target in re.findall(r"url\(\s*['\"]?([^)'\"]*)", text):
            if not target.startswith(("#", "data:")):
                self.wrong.append(f"url({target})")
            elif target.startswith("#"):
                self.pointed_at.append(target[1:])
        if "@import" in text:
            self.wrong.append("@import")

    def _look_at_the_whole(self) -> None:
        levels = [level for level, _ in self.headings]
        if levels.count(1) != 1 or levels[:1] != [1]:
            self.wrong.append(f"headings begin {levels[:3]}")
        self.wrong += [f"h{a} is followed by h{b}" for a, b in pairwise(levels) if b > a + 1]
        if len(self.captions) != len(self.tables) or not all(self.captions):
            self.wrong.append("a table without a caption")
        ragged = [t for t in self.tables if not t or len({len(row) for row in t}) != 1]
        self.wrong += [f"a table of rows of different length: {t[0]}" for t in ragged]
        self.wrong += [f"a picture without words: {p}" for p in self.pictures if not all(p)]
        if len(set(self.ids)) < len(self.ids):
            self.wrong.append("an id appears twice")
        self.wrong += [f"nothing is called {name!r}" for name in {*self.pointed_at} - {*self.ids}]


def headings(page: Reader) -> list[str]:
    """The titles of the sections."""
    return [text for level, text in page.headings if level == 2]


def plain(name: str = "month", **changes: Any) -> Scenario:
    """Six days with everything that has a section: packages, limits, reviews, outages."""
    return Scenario.model_validate(
        {
            "name": name,
            "start": "2026-03-02",
            "days": 6,
            "quota": {"daily_limit": 2_000, "monthly_limit": 90_000},
            "thresholds": {
                "daily_alarm": 600,
                "daily_limit": 700,
                "monthly_alarm": 4_000,
                "monthly_limit": 9_000,
            },
            "applications": [{"name": name}],
            "templates": [
                {"name": name, "application": name},
                {"name": "late", "application": name, "submitted": "2026-03-02T10:00:00+08:00"},
            ],
            "packages": [{"country": "ID", "segments": 1_700, "price": 300}],
            "traffic": [
                {"name": name, "template": name, "country": "ID", "messages_a_day": 500},
                {"name": "b", "template": "late", "country": "TH", "messages_a_day": 300},
            ],
            "callback": {"outages": [{"at": "2026-03-03", "minutes": 90}]},
            **changes,
        }
    )
