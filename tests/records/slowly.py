"""What takes a database long."""

from __future__ import annotations

import json
from urllib.parse import quote

NUMBERS = {
    "sqlite": "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 90000)"
    " INSERT INTO folder (version, name) SELECT 1, 'a' FROM g",
    "postgresql": "INSERT INTO folder (version, name) SELECT 1, 'a' FROM generate_series(1, 90000)",
}


UNLIKELY = [{"name": {"ilike": f"%b{number}%"}} for number in range(90)]


HARD = f"folders?limit=1&filter={quote(json.dumps({'_or': UNLIKELY}))}"
"""A list that takes a database a second and more: each folder is asked ninety questions."""
