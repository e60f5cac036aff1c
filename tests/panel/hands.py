"""Somebody's hands on a page of the panel: what they do is heard, and counted."""

from __future__ import annotations

from playwright.async_api import Locator, Page


async def press(page: Page, *keys: str) -> None:
    """Press keys one after the other, as soon as the page hears them.

    A page that was just come to can be seen before its scripts have begun.
    """
    await page.wait_for_load_state()
    for key in keys:
        await page.keyboard.press(key)


class Hands:
    """What is done by a click or a key, each counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.keys = 0

    async def click(self, on: Locator) -> None:
        """Click once."""
        await self.page.wait_for_load_state()
        await on.click()
        self.clicks += 1

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await press(self.page, *keys)
        self.keys += len(keys)

    async def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        await self.press(*text)
