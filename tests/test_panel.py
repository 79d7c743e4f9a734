"""The face of the what-if, driven without a browser: its widgets, an event loop, no thread."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from test_whatif import scenario

import smssim
from smssim.pages.panel import Panel, panel
from smssim.scenario import Scenario

SIZE, ALARM = "packages.0.segments", "thresholds.daily_alarm"


def turned(doing: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine as a kernel would; no thread is left behind."""
    before = threading.active_count()
    asyncio.run(doing)
    assert threading.active_count() == before


async def pairs(made: Panel, n: int) -> None:
    """Let the loop turn until so many pairs are known."""
    while made.study.pairs < n:
        await asyncio.sleep(0)


def walked(widget: Any) -> list[Any]:
    """A widget and all below it, in the order in which Tab reaches them."""
    return [
        widget,
        *(below for child in getattr(widget, "children", ()) for below in walked(child)),
    ]


def test_it_is_a_verb_of_the_package() -> None:
    assert smssim.panel is panel
    assert isinstance(panel(scenario()), Panel)
    assert "panel" in smssim.__all__


def test_every_control_has_a_label_and_is_reached_in_order() -> None:
    made = panel(scenario())
    shown = walked(made.box)
    found = [widget for widget in shown if widget in made.controls.values()]
    assert found == list(made.controls.values())
    for name, control in made.study.controls.items():
        assert made.controls[name].description == control.label
    asked = [made.reset, made.file, made.save]
    assert all(widget.description for widget in asked)
    places = [shown.index(widget) for widget in [*found, *asked]]
    assert places == sorted(places)
    assert isinstance(made.controls[SIZE].value, int)
    assert made.controls["traffic.1.messages_a_day"].value == 40.5


def test_a_change_draws_at_once_and_refines() -> None:
    async def doing() -> None:
        made = panel(scenario())
        await pairs(made, 1)
        first = made.picture.value
        assert "<svg" in first
        made.controls[SIZE].value = 500
        assert made.picture.value == first  # The handler hands back at once,
        assert "smssim-stale" in made._shown._dom_classes  # and what is shown is grey.
        assert "Recomputing..." in made.status.value
        await pairs(made, 2)
        assert made.study.scenario.packages[0].segments == 500
        assert made.picture.value != first
        assert "smssim-stale" not in made._shown._dom_classes
        assert "in one month" in made.tiles.value or " to " in made.tiles.value
        assert "(no interval yet)" in made.table.value
        assert "2 pairs of months, refining..." in made.status.value
        await pairs(made, 4)
        assert " to \N{MINUS SIGN}" in made.table.value
        assert "undecided after 4 months" in made.table.value
        await made.refined()
        assert made.study.enough
        assert "all promises are decided" in made.status.value

    turned(doing())


def test_a_newer_change_ends_the_refinement_of_the_older() -> None:
    async def doing() -> None:
        made = panel(scenario())
        await pairs(made, 3)
        older = made._task
        for segments in (500, 510, 520):
            made.controls[SIZE].value = segments
        await asyncio.sleep(0)  # The loop hears of it,
        await asyncio.sleep(0)  # and the older one ends.
        assert older is not None
        assert older.cancelled()
        while made.study.values[SIZE] == 700:
            await asyncio.sleep(0)
        assert made.study.scenario.packages[0].segments == 520
        made.close()
        await made.refined()
        n = made.study.pairs
        await asyncio.sleep(0.01)
        assert made.study.pairs == n
        assert len(asyncio.all_tasks()) == 1

    turned(doing())


def test_messages_of_other_threads_are_done_in_the_loop_of_the_panel() -> None:
    """Kernels hand the messages of widgets to threads; the study stays in the thread it is in."""

    async def doing() -> None:
        made = panel(scenario())
        await pairs(made, 1)
        plain, threads = made.study.first, set()

        def first() -> None:
            threads.add(threading.current_thread())
            plain()

        made.study.first = first  # type: ignore[method-assign]

        def elsewhere() -> None:
            asyncio.run(turn())

        async def turn() -> None:
            made.controls[SIZE].value = 500
            made.controls[ALARM].value = 600

        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
        await made.refined()
        assert "Not possible" in made.status.value
        made.reset.click()
        while "pair" not in made.status.value:
            await asyncio.sleep(0)
        made.close()
        await made.refined()
        assert threads == {threading.current_thread()}

    turned(doing())


def test_the_kernel_answers_while_it_refines() -> None:
    """Between two pairs whatever waits in the loop has its turn, several times."""

    async def doing() -> None:
        made = panel(scenario())
        await pairs(made, 1)
        turns, n = 0, made.study.pairs
        while made.study.pairs < n + 3:
            turns += 1
            await asyncio.sleep(0)
        assert turns > 6
        made.close()

    turned(doing())


def test_what_cannot_be_is_told_and_the_last_picture_stays() -> None:
    async def doing() -> None:
        made = panel(scenario())
        await pairs(made, 1)
        picture, table = made.picture.value, made.table.value
        made.controls[ALARM].value = 600
        await made.refined()
        assert "Not possible: thresholds.daily_" in made.status.value
        assert "daily_limit(=500) must be &gt; daily_alarm(=600)" in made.status.value
        assert (made.picture.value, made.table.value) == (picture, table)
        assert "smssim-stale" in made._shown._dom_classes  # They are not of what is set.
        made.reset.click()
        assert made.controls[ALARM].value == 400
        await pairs(made, 2)
        assert "Not possible" not in made.status.value
        made.close()

    turned(doing())


def test_figures_of_an_older_setting_are_not_shown_as_the_newer_ones() -> None:
    """A change that comes in another thread in the middle of a month: its figures are dropped."""

    async def doing() -> None:
        made = panel(scenario())
        await pairs(made, 1)
        plain = made.study.refine

        def refine() -> None:
            plain()
            other = threading.Thread(target=setattr, args=(made.controls[SIZE], "value", 490))
            other.start()
            other.join()

        made.study.refine = refine  # type: ignore[method-assign]
        before = made.tiles.value
        while made.study.pairs < 2:
            await asyncio.sleep(0)
        assert made.tiles.value == before
        assert "Recomputing..." in made.status.value
        made.close()
        await made.refined()

    turned(doing())


def test_a_changed_control_is_marked_and_set_back_alone() -> None:
    made = panel(scenario())
    row, other = made._rows[SIZE], made._rows[ALARM]
    undo = row.children[1]
    assert undo.layout.display == "none"
    made.controls[SIZE].value = 500
    made.controls[ALARM].value = 380
    assert "smssim-changed" in row._dom_classes
    assert undo.layout.display is None
    assert undo.description == "Back to 700"
    undo.click()
    assert made.controls[SIZE].value == 700
    assert "smssim-changed" not in row._dom_classes
    assert "smssim-changed" in other._dom_classes
    assert made.study.scenario.thresholds.daily_alarm == 380


def test_a_run_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def doing() -> None:
        made = panel(scenario())
        await pairs(made, 1)
        monkeypatch.setattr(made.study, "refine", lambda: 1 / 0)
        await made.refined()
        assert "Not possible: division by zero." in made.status.value

    turned(doing())


def test_it_is_saved_once_and_told(tmp_path: Path) -> None:
    made = panel(scenario())
    place = tmp_path / "mine.yaml"
    made.file.value = f" {place} "
    for words in (f"Saved as {place}.", f"Not saved: {place} is there already"):
        made.save.click()
        assert words in made.saved.value
    assert Scenario.load(place) == scenario()
    made.file.value = "mine"
    made.save.click()
    assert made.saved.value.count("must end in .yaml.</div>") == 1  # And not a word of pictures.


def test_what_cannot_be_is_not_saved(tmp_path: Path) -> None:
    made = panel(scenario())
    made.controls[ALARM].value = 600
    made.file.value = str(tmp_path / "mine.yaml")
    made.save.click()
    assert "Not possible: thresholds.daily_" in made.saved.value
    assert list(tmp_path.iterdir()) == []


def test_without_a_loop_the_first_month_is_drawn() -> None:
    made = panel(scenario())
    assert made.study.pairs == 1
    made.controls[SIZE].value = 500
    assert made.study.pairs == 1
    assert made.study.scenario.packages[0].segments == 500
    assert "application/vnd.jupyter.widget-view+json" in made._repr_mimebundle_()


def test_a_file_is_loaded(tmp_path: Path) -> None:
    place = tmp_path / "mine.yaml"
    place.write_text(scenario().to_yaml(), encoding="utf-8")
    assert panel(place).study.base == panel(str(place)).study.base == scenario()


def test_without_ipywidgets_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r"pip install ipywidgets$"):
        panel(scenario())
