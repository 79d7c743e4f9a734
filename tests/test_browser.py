"""What a person sees: JupyterLab in Chromium, a notebook run, the panel turned by keyboard.

Left out unless `--browser` asks for it; then nothing is skipped. `--shots DIR` keeps screenshots
and the times.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import pytest
from browser_eyes import MARKS, focus, reached, turned
from browser_lab import Lab, browser_path, chromium, is_here, lab

from smssim.pages.panel.controls import controls_of
from smssim.scenario import Scenario

pytestmark = pytest.mark.browser

STALE_MS, PICTURE_MS, INTERVAL_MS = 100, 500, 3_000
CHANGES, ROUNDS = 12, 4
"""How often a slider is moved: the median counts, of the first round in which nothing else was in
its way, for the machine may be busy.
"""
WAIT_MS = 40_000
MONTH = """
name: a hundred thousand
start: 2026-11-01
days: 30
quota: {daily_limit: 20_000, monthly_limit: 300_000}
thresholds: {daily_alarm: 8_000, daily_limit: 10_000, monthly_alarm: 200_000, monthly_limit: 3e5}
applications: [{name: shop}]
templates:
  - {name: login, application: shop}
  - {name: order, application: shop, type: notification, segments: 2}
packages:
  - {country: ID, segments: 60_000, price: 15_000}
  - {country: TH, segments: 60_000, price: 1_500}
traffic:
  - name: login Indonesia
    template: login
    country: ID
    messages_a_day: 2_100
    resend: {patience: {lognormal_s: {median: 45, p95: 120}}}
  - {name: orders, template: order, country: TH, messages_a_day: 1_200}
routes: {ID: {price: 0.35}, TH: {price: 0.03}}
callback: {random_outages: {up: {exponential_s: 250_000}, down: {exponential_s: 1_500}}}
checks:
  - {name: never dry, metric: runout.any, below: 0.05, margin: 0.02}
  - {name: budget, metric: cost_usd, statistic: p90, below: 22_000, margin: 300}
"""


@pytest.fixture(scope="module")
def shots(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = pytestconfig.getoption("--shots")
    folder = Path(asked) if asked else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("lab")) as started:
        yield started


@pytest.fixture
def page(running: Lab) -> Iterator[Any]:
    """A page; afterwards neither it nor server and kernels have asked anything of elsewhere."""
    from playwright.sync_api import sync_playwright

    left: list[str] = []
    with sync_playwright() as playwright, chromium(playwright, left) as context:
        opened = context.new_page()
        opened.set_default_timeout(WAIT_MS)
        yield opened
    assert left == []
    assert running.left_the_machine == []


def opened(page: Any, running: Lab, notebook: str) -> None:
    """Open a notebook and wait for its kernel."""
    page.goto(f"{running.address}/lab/tree/{notebook}?reset")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator("#jp-bottom-panel, .jp-StatusBar-Widget").get_by_text("| Idle").first.wait_for()


def run_all(page: Any) -> None:
    """Run all cells by the menu, and wait until each has its number."""
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]
            .every(prompt => /\\[\\d+\\]/.test(prompt.textContent))"""
    )


def test_a_request_that_leaves_the_machine_is_heard(running: Lab) -> None:
    """The test of the test: the page asks elsewhere, by HTTP and by a websocket."""
    from playwright.sync_api import sync_playwright

    left: list[str] = []
    with sync_playwright() as playwright, chromium(playwright, left) as context:
        asking = context.new_page()
        asking.evaluate("() => fetch('http://example.com/x', {mode: 'no-cors'}).catch(() => 0)")
        with asking.expect_websocket():
            asking.evaluate("() => {window.asked = new WebSocket('ws://example.com/y')}")
    assert left == ["http://example.com/x", "ws://example.com/y"]
    assert is_here(running.address)


def test_a_connection_of_the_kernel_is_heard(running: Lab, tmp_path: Path) -> None:
    """The test of the other ear: Python as the kernel runs it, and an address of no one."""
    left = tmp_path / "left.txt"
    code = "import socket as s; t = s.socket(); t.settimeout(0.01); t.connect_ex(('192.0.2.1', 9))"
    environment = running.environment | {"LEFT_THE_MACHINE": str(left)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert "connects to ('192.0.2.1', 9)" in left.read_text()


def test_without_a_browser_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match="--browser needs one of chromium, "):
        browser_path()


def test_the_first_notebook_runs(page: Any, running: Lab, shots: Path) -> None:
    """All cells run, nothing is red, and all its pictures are seen."""
    opened(page, running, "notebooks/01_first_month.ipynb")
    run_all(page)
    pictures = page.locator(".jp-OutputArea img")
    page.wait_for_function("() => document.querySelectorAll('.jp-OutputArea img').length >= 3")
    sizes = pictures.evaluate_all("all => all.map(own => own.naturalWidth)")
    assert len(sizes) >= 3
    assert min(sizes) > 300
    assert not page.locator('[data-mime-type*="stderr"], [data-mime-type*="error"]').count()
    pictures.first.scroll_into_view_if_needed()
    page.screenshot(path=shots / "first_month.png")


def test_the_panel_answers_the_keyboard_in_time(page: Any, running: Lab, shots: Path) -> None:
    """Tab reaches every control, each has a label; arrows turn a slider, the picture follows."""
    (running.folder / "month.yaml").write_text(MONTH, encoding="utf-8")
    cell = nbformat.v4.new_code_cell("import smssim\n\nsmssim.panel('month.yaml')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), running.folder / "panel.ipynb")
    opened(page, running, "panel.ipynb")
    run_all(page)
    page.locator(".smssim-tile").first.wait_for()
    page.locator(".smssim-what-if").wait_for()
    page.screenshot(path=shots / "panel.png")

    controls = reached(page)
    labels = [own["label"] for own in controls]
    assert all(labels)
    assert all(own["shown"] for own in controls)
    expected = [own.label for own in controls_of(Scenario.parse(MONTH))]
    assert [*expected, "Reset all", "file name", "Save as scenario"] == list(dict.fromkeys(labels))

    focus(page, "ID package, segments (price in proportion)", "slider", "Shift+Tab")
    page.evaluate(MARKS)
    for key in ("ArrowRight", "ArrowLeft") * (ROUNDS // 2):
        times = [turned(page, key) for _ in range(CHANGES)]
        usual = {name: median(own[name] for own in times) for name in times[0]}
        if usual["picture_ms"] <= PICTURE_MS:
            break
    page.screenshot(path=shots / "panel_turned.png")
    (shots / "panel.json").write_text(json.dumps({"median": usual, "all": times}, indent=1))
    assert usual["stale_ms"] <= STALE_MS
    assert usual["picture_ms"] <= PICTURE_MS
    assert usual["interval_ms"] <= INTERVAL_MS
    page.locator(".smssim-what-if tr").last.scroll_into_view_if_needed()
    page.screenshot(path=shots / "panel_table.png")

    told = page.locator(".smssim-panel [role=status]")
    focus(page, "daily alarm, messages a UTC day", "slider", "Tab")
    shown = page.locator(".smssim-pictures").inner_html()
    page.keyboard.press("End")
    wrong = "daily_limit(=10000) must be > daily_alarm(=24000)"
    told.get_by_text(wrong).wait_for()
    assert page.locator(".smssim-pictures").inner_html() == shown
    assert page.locator(".smssim-stale").count() == 1
    focus(page, "Reset all", "button", "Tab")
    page.keyboard.press("Enter")
    told.get_by_text("the difference of the bills is known to 1%").wait_for()
    focus(page, "Save as scenario", "button", "Tab")
    page.keyboard.press("Enter")
    told.get_by_text("Saved as what_if.yaml.").wait_for()
    assert Scenario.load(running.folder / "what_if.yaml") == Scenario.parse(MONTH)
    page.screenshot(path=shots / "panel_saved.png")
