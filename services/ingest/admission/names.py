"""Names that a sender chooses, of sources and attributes: they have a form, and identify nobody.

Names are in answers, counts and lists, so a telephone or identity number in the place of one must not become one.
"""

from services.ingest.model import ATTRIBUTE_NAME, SOURCE
from services.ingest.privacy.engine import identifiers

# Fewer digits identify nobody, and nearly every name has fewer.
_DIGITS_MIN = 6


def is_source_name(name: str | None) -> bool:
    """
    >>> is_source_name("desk-2"), is_source_name("13812345678"), is_source_name("Desk")
    (True, False, False)
    """
    return bool(name) and SOURCE.fullmatch(name or "") is not None and not _identifies(name or "")


def is_attribute_name(name: str) -> bool:
    """
    >>> is_attribute_name("cost_20260317"), is_attribute_name("226-13-0371"), is_attribute_name("a b")
    (True, False, False)
    """
    return ATTRIBUTE_NAME.fullmatch(name) is not None and not _identifies(name)


def _identifies(name: str) -> bool:
    return sum(map(str.isdigit, name)) >= _DIGITS_MIN and bool(identifiers(name))
