"""What pages of the panel hold."""

from __future__ import annotations

import re


def titles(html: str) -> list[str]:
    found = re.findall(r'<th scope="row"[^>]*><a class="cover" href="[^"]*">(.*?)</a>', html)
    return [re.sub(r"</?mark>", "", each) for each in found]
