"""Which indexes are missing: a hint about one list, and a report about all that is declared."""

from admin_app.records.advice.hints import Hint, hints
from admin_app.records.advice.report import Advice, advise

__all__ = ["Advice", "Hint", "advise", "hints"]
