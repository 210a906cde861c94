"""How sure the intervals of an answer are to be, as a request says it."""

from __future__ import annotations

from services.runtime.errors import invalid

CONFIDENCE = 0.95


def confidence_of(given: float) -> float:
    """INVALID_ARGUMENT unless 0 <= given < 1; 0 means 0.95."""
    if not 0 <= given < 1:
        raise invalid("confidence", f"must lie between 0 and 1; 0 means {CONFIDENCE}")
    return given or CONFIDENCE
