"""Films the panel: writes `docs/panel.gif` from JupyterLab in Chromium, with the launch plan.

Run from anywhere: `python docs/make_panel_picture.py`, with the extras `notebooks` and `browser`.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
_SIZE, _WIDTH, _COLOURS = {"width": 1400, "height": 860}, 1000, 96
_CELL = "import smssim\n\nsmssim.panel('data/scenarios/launch.yaml')"
_WAIT_MS = 180_000


def frames(page: Any, address: str) -> list[tuple[bytes, int]]:
    """What is seen, and for how many milliseconds: the base, a change, its answer."""
    page.goto(f"{address}/lab/tree/panel.ipynb?reset")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator("#jp-bottom-panel, .jp-StatusBar-Widget").get_by_text("| Idle").first.wait_for()
    page.keyboard.press("Control+b")  # The folder's files are of no interest.
    page.locator(".jp-CodeCell .jp-InputArea-editor").first.click()
    page.keyboard.press("Control+Enter")
    _refined(page)
    panel = page.locator(".smssim-panel").first
    panel.evaluate("own => own.scrollIntoView()")
    seen = [(page.screenshot(), 2_500)]
    page.locator(".smssim-panel select").first.select_option(index=1)
    page.locator(".smssim-stale").wait_for()
    seen.append((page.screenshot(), 1_000))
    page.wait_for_function("() => !document.querySelector('.smssim-stale')")
    seen.append((page.screenshot(), 2_000))
    _refined(page)
    return [*seen, (page.screenshot(), 4_000)]


def _refined(page: Any) -> None:
    page.locator(".smssim-panel [role=status]").get_by_text("is known to 1%").wait_for()


def main() -> None:
    """Open the panel, change the service mode, and write what is seen."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    import nbformat
    from browser_lab import chromium, lab
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as place, lab(Path(place)) as running, sync_playwright() as started:
        cell = nbformat.v4.new_code_cell(_CELL)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), running.folder / "panel.ipynb")
        with chromium(started, []) as context:
            page = context.new_page()
            page.set_viewport_size(_SIZE)
            page.set_default_timeout(_WAIT_MS)
            seen = frames(page, running.address)
    first, *others = (_small(Image.open(BytesIO(png)), Image) for png, _ in seen)
    times = [length for _, length in seen]
    first.save(HERE / "panel.gif", save_all=True, append_images=others, duration=times, loop=0)
    print(f"{HERE / 'panel.gif'} is filmed")


def _small(image: Any, kit: Any) -> Any:
    height = round(image.height * _WIDTH / image.width)
    smaller = image.convert("RGB").resize((_WIDTH, height), kit.Resampling.LANCZOS)
    return smaller.quantize(_COLOURS, kit.Quantize.MAXCOVERAGE, dither=kit.Dither.NONE)


if __name__ == "__main__":
    main()
