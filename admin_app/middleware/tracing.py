"""W3C Trace Context: the trace that a request belongs to, so that its log line can be found."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def trace_id(headers: Headers) -> str | None:
    """The trace id of ``traceparent`` (W3C Trace Context, 3.2); none for one that is not valid.

    A version that is not known yet may add parts at its end (3.2.4); version 00 has none.
    """
    given = headers.getlist("traceparent")
    found = _TRACEPARENT.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or (found[1] == "00" and found[4]):
        return None
    if not found[2].strip("0") or not found[3].strip("0"):
        return None
    return found[2]
