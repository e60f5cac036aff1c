"""What narrows a list of the panel, read from its page."""

from __future__ import annotations

import re
from html import unescape

from listed import names

LIST = "/admin/book/list"


def chips(html: str) -> list[str]:
    """The conditions in force, in words."""
    return [
        unescape(each)
        for each in re.findall(r'<li class="chip">(?:<a[^>]*>|<span>)(.*?)</(?:a|span)>', html)
    ]


def rows(html: str) -> list[str]:
    """What the rows are called, whatever is marked in it."""
    return names(re.sub(r"</?mark>", "", html))


def links(html: str) -> dict[str, str]:
    """Where the links of a page lead, by their words."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', html)
    return {
        re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", text))).strip(): unescape(href)
        for href, text in found
    }
