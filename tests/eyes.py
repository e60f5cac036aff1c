"""What a page is looked at with: sizes of windows, and axe."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

PHONE = {"width": 390, "height": 844}


DESK = {"width": 1280, "height": 800}


async def violations(page: Page, *only: str) -> list[str]:
    """What axe finds on the page in light and in dark, in a line each."""
    if not await page.evaluate("typeof axe === 'object'"):
        # Through the debugger, which the page's own policy for scripts does not bind.
        await page.evaluate(AXE_SCRIPT)
    rules: Any = {"runOnly": list(only)} if only else {"rules": {"target-size": {"enabled": True}}}
    found: list[Any] = []
    for scheme, options in (("light", rules), ("dark", {"runOnly": ["color-contrast"]})):
        # Colours that are still fading have no contrast to speak of.
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found += (await page.evaluate("options => axe.run(options)", options))["violations"]
    return [f"{each['id']}: {node['html'][:120]}" for each in found for node in each["nodes"]]


WIDTHS = (360, 390, 600, 767, 768, 900, 1024, 1100, 1200, 1280, 1440, 1600)


async def runs_over(page: Page, *paths: str) -> list[tuple[str, int]]:
    """The pages that are wider than the window, or whose table leaves a card it cannot scroll."""
    found = []
    for path in paths:
        await page.goto(path)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            over = await page.evaluate(
                """[...document.querySelectorAll('.sheet-of-rows')].some(card =>
                    getComputedStyle(card).overflowX === 'visible'
                    && card.scrollWidth > card.clientWidth)
                || document.documentElement.scrollWidth > innerWidth"""
            )
            if over:
                found.append((path, width))
    return found
