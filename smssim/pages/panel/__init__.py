"""The widgets of a what-if in a notebook: controls, a status line, tiles, pictures and a table.

What they show is computed in `study.py` and made HTML in `render.py`; here is only when.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smssim.pages.panel.controls import Control
    from smssim.pages.panel.study import Study
    from smssim.scenario import Scenario
    from smssim.simulation.policies.account_view import Policy

__all__ = [
    "Any",
    "Callable",
    "Panel",
    "Path",
    "Sequence",
    "escape",
    "groupby",
    "panel",
    "partial",
    "suppress",
]

_PAUSE_S = 0.005
"""Between two pairs of months, for whatever the kernel is asked meanwhile."""


def panel(scenario: Scenario | str | Path, *, policies: Sequence[Policy] = ()) -> Panel:
    """A panel that asks "what if" of a scenario, or of the file of one, next to the base.

    A change shows the first month of both at once; then pairs of months are run until all promises
    are decided and the difference of the bills is known to 1%, 200 at most, while the kernel
    answers other cells. `panel.controls[path].value = ...` changes a control from a cell. Raise an
    ImportError without ipywidgets, a ScenarioError for a wrong file.
    """
    from smssim.scenario import Scenario

    plan = Scenario.of(scenario)
    return Panel(plan, policies)


class Panel:
    """The widgets of one study: `controls` by name, `reset`, `file`, `save`, and what they show in
    `status`, `tiles`, `picture`, `table` and `saved`; all of them are in `box`.
    """

    def __init__(self, base: Scenario, policies: Sequence[Policy] = ()) -> None:
        widgets = _widgets()
        from smssim.pages.panel import render
        from smssim.pages.panel.study import Study
        from smssim.pages.panel.tiles import tiles

        self._render, self._tiles = render, tiles
        self.study: Study = Study(base, policies)
        self.controls = {control.name: _widget(control) for control in self.study.controls.values()}
        shown = (widgets.HTML() for _ in range(5))
        self.status, self.tiles, self.picture, self.table, self.saved = shown
        self.status.value = render.line("Simulating the first month...")
        self.reset = widgets.Button(description="Reset all", icon="undo")
        self.file = _above(widgets.Text(value="what_if.yaml", description="file name"))
        self.save = widgets.Button(description="Save as scenario", icon="save")
        self._rows = {name: self._row(control) for name, control in self.study.controls.items()}
        self._shown = widgets.VBox([self.tiles, self.picture, self.table])
        self._shown.add_class("smssim-shown")
        self.box = self._laid_out()
        self._asked = 0
        self._task: asyncio.Task[None] | None = None
        self._loop = _running_loop()
        for name, widget in self.controls.items():
            widget.observe(partial(self._turned, name), "value")
        self.reset.on_click(self._reset)
        self.save.on_click(lambda _: self._in_loop(self._write))
        self._in_loop(self._restart)

    def close(self) -> None:
        """Stop refining; what is shown stays."""
        self._in_loop(self._stop)

    async def refined(self) -> None:
        """Wait until nothing is refined any more."""
        await asyncio.sleep(0)
        while self._task is not None and not self._task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._task)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.box._repr_mimebundle_(**options)

    def _in_loop(self, do: Callable[[], None]) -> None:
        """Do it in the loop that the panel was made in, at once if there is none.

        Kernels handle the messages of widgets in threads of their own, and a study is for one.
        """
        if self._loop is None or self._loop.is_closed():
            do()
        else:
            self._loop.call_soon_threadsafe(do)

    def _turned(self, name: str, _: Any) -> None:
        """Mark the control and grey out what is shown, at once, then compute what is set now.

        The thread that the message came in does it: the loop may be in the middle of a month.
        """
        self._asked += 1
        self._mark(name)
        self._shown.add_class("smssim-stale")
        self.status.value = self._render.line(self._render.RECOMPUTING)
        self._in_loop(self._restart)

    def _mark(self, name: str) -> None:
        """Show whether a control is changed, and its button if it is."""
        changed = not self.study.controls[name].is_base(self.controls[name].value)
        row, undo = self._rows[name], self._rows[name].children[1]
        (row.add_class if changed else row.remove_class)("smssim-changed")
        undo.layout.display = None if changed else "none"

    def _restart(self) -> None:
        """Draw the first month of what is set now, then refine it."""
        self._stop()
        if _running_loop() is None:
            self._try()  # Outside a notebook nothing runs by the way.
        else:
            self._task = asyncio.ensure_future(self._follow())

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _follow(self) -> None:
        await asyncio.sleep(_PAUSE_S)  # A newer change, already waiting, cancels this one here.
        asked = self._asked
        drawn = self._try()
        try:
            while drawn and asked == self._asked and not self.study.enough:
                await asyncio.sleep(_PAUSE_S)
                self.study.refine()
                # What was changed meanwhile is not what these figures are of.
                if asked == self._asked:
                    self._show(figures=self.study.is_look)
        except Exception as error:
            self._say(error)

    def _try(self) -> bool:
        """Show the first month of what is set; else say why not, the last figures stay grey."""
        asked = self._asked
        try:
            self._apply()
            self.study.first()
            drawn = self._render.pictures_of(self.study)
            if asked == self._asked:
                self.picture.value = drawn
                self._show()
                self._shown.remove_class("smssim-stale")
        except Exception as error:
            self._say(error)
            return False
        return True

    def _apply(self) -> None:
        self.study.change({name: widget.value for name, widget in self.controls.items()})

    def _show(self, figures: bool = True) -> None:
        self.status.value = self._render.line(self._render.status(self.study))
        if figures:
            self.tiles.value = self._tiles(self.study)
            self.table.value = self._render.table(self.study)

    def _say(self, error: Exception) -> None:
        self.status.value = self._render.line(self._render.sentence(error))

    def _reset(self, _: Any) -> None:
        for control in self.study.controls.values():
            self.controls[control.name].value = control.value

    def _row(self, control: Control) -> Any:
        """A control with the button that sets it back, which is there while it is changed."""
        widgets = _widgets()
        value = "the base" if control.choices else f"{control.value:,}"
        undo = widgets.Button(
            description=f"Back to {value}", icon="undo", layout={"display": "none"}
        )
        undo.add_class("smssim-undo")
        undo.on_click(lambda _: setattr(self.controls[control.name], "value", control.value))
        return widgets.VBox([self.controls[control.name], undo], layout={"flex": "0 0 auto"})

    def _write(self) -> None:
        try:
            self._apply()
            words = f"Saved as {self.study.save(self.file.value.strip())}."
        except Exception as error:
            words = self._render.sentence(error)
        self.saved.value = self._render.line(words)

    def _laid_out(self) -> Any:
        """Controls by group to the left, what comes of them to the right or below."""
        widgets = _widgets()
        left = [widgets.HTML(self._render.STYLE)]
        for group, controls in groupby(self.study.controls.values(), lambda c: c.group):
            left += [
                widgets.HTML(f"<b>{escape(group)}</b>"),
                *(self._rows[control.name] for control in controls),
            ]
        left += [self.reset, self.file, self.save, self.saved]
        right = [self.status, self._shown]
        boxes = [
            widgets.VBox(left, layout={"width": "300px", "flex": "0 0 auto"}),
            widgets.VBox(right, layout={"flex": "1 1 500px", "min_width": "0"}),
        ]
        both = widgets.HBox(boxes, layout={"flex_flow": "row wrap"})
        return both.add_class("smssim-panel")


def _widget(control: Control) -> Any:
    """A labelled slider for a number, a list for a choice."""
    widgets = _widgets()
    if control.choices:
        choice = {"options": control.choices, "value": control.value}
        return _above(widgets.Dropdown(description=control.label, **choice))
    numbers = [control.value, control.low, control.high, control.step]
    whole = all(isinstance(number, int) for number in numbers)
    decimals = f",.{max(0, -math.floor(math.log10(control.step)))}f"
    slider, form = (widgets.IntSlider, ",d") if whole else (widgets.FloatSlider, decimals)
    ends = {"min": control.low, "max": control.high, "step": control.step}
    widget = slider(value=control.value, description=control.label, readout_format=form, **ends)
    return _above(widget)


def _above(widget: Any) -> Any:
    """The widget with its label above it, for labels tell the unit and are long."""
    return widget.add_class("smssim-control")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


def _widgets() -> Any:
    try:
        import ipywidgets  # type: ignore[import-untyped]
    except ImportError as error:
        message = "smssim.panel needs ipywidgets: pip install ipywidgets"
        raise ImportError(message) from error
    return ipywidgets
