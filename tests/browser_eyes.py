"""Keys and eyes of somebody at the panel: where the focus is, and how long a change takes."""

from __future__ import annotations

from typing import Any

MARKS = """() => {
  const marks = window.marks = {};
  const bill = () => document.querySelector('.smssim-what-if tbody tr td:nth-of-type(3)');
  const drawn = () => document.querySelector('.smssim-pictures');
  const stale = () => document.querySelector('.smssim-stale');
  let before = drawn();
  document.addEventListener('keydown', () => {
    before = drawn();
    for (const name of Object.keys(marks)) delete marks[name];
    marks.key = performance.now();
  }, true);
  new MutationObserver(() => {
    const shown = drawn();
    if (marks.key === undefined || !shown) return;
    if (marks.stale === undefined && stale()) {
      requestAnimationFrame(() => marks.stale = performance.now());
    }
    if (marks.picture === undefined && shown !== before) {
      before = shown;
      marks.seen = true;
      requestAnimationFrame(() => marks.picture = performance.now());
    }
    const told = bill() ? bill().textContent : '';
    if (marks.seen && told.includes('no interval yet')) marks.first = true;
    if (marks.first && !marks.interval && told.includes(' to ')) marks.interval = performance.now();
  }).observe(document.body, {subtree: true, childList: true, characterData: true,
    attributes: true, attributeFilter: ['class']});
}"""
"""JavaScript that notes when a key goes down, when what is shown is grey, when the new pictures are
there, and their interval.

Whatever was on its way when the key went down is before the new picture, and does not count.
"""

ACTIVE = """() => {
  const at = document.activeElement;
  const own = at.closest('.jupyter-widgets');
  if (!at.closest('.smssim-seen') && !own) return null;
  const label = own && own.querySelector('.widget-label');
  const said = label ? label.textContent : at.textContent;
  const box = at.getBoundingClientRect();
  return {label: said.trim(), role: at.getAttribute('role') || at.tagName.toLowerCase(),
          shown: box.width > 0 && box.height > 0};
}"""
"""JavaScript that shows what of the panel has the focus, and its label."""


def reached(page: Any, most: int = 120) -> list[dict[str, Any]]:
    """What of the panel Tab comes to, from the notebook's cell on, until it leaves the panel."""
    page.locator(".jp-CodeCell .jp-InputPrompt").first.click()
    page.keyboard.press("Escape")
    found: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        own = page.evaluate(ACTIVE)
        if own is not None:
            found.append(own)
        elif found:
            break
    return found


def focus(page: Any, label: str, role: str, key: str) -> None:
    """Bring the focus to the control of that label, by Tab or Shift+Tab alone."""
    for _ in range(120):
        page.keyboard.press(key)
        own = page.evaluate(ACTIVE)
        if own is not None and (own["label"], own["role"]) == (label, role):
            return
    raise AssertionError(f"{key} does not come to {label!r}")


def turned(page: Any, key: str) -> dict[str, float]:
    """Press a key; milliseconds until old figures are grey, new pictures are there, and their first
    paired interval is.
    """
    page.keyboard.press(key)
    page.wait_for_function(
        "() => window.marks.picture && window.marks.interval && window.marks.stale"
    )
    marks = page.evaluate("() => window.marks")
    return {
        f"{name}_ms": round(marks[name] - marks["key"], 1)
        for name in ("stale", "picture", "interval")
    }
