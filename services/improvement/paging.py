"""Pages: how large, and the token that leads from one to the next."""

from __future__ import annotations

import base64
import binascii
import json
import math

from andon.improvement.v1 import improvement_pb2

from services.improvement.model import Problem
from services.improvement.wire.validation import invalid
from services.runtime.requests import fingerprint

PAGE_DEFAULT, PAGE_MAX = 100, 1000
EVENTS_DEFAULT, EVENTS_MAX = 20, 1000


def page_size(asked: int) -> int:
    return _within("page_size", asked, PAGE_DEFAULT, PAGE_MAX)


def events_max(asked: int) -> int:
    return _within("events_max", asked, EVENTS_DEFAULT, EVENTS_MAX)


def _within(field: str, asked: int, default: int, most: int) -> int:
    if asked < 0 or asked > most:
        raise invalid(field, f"must be 0 to {most}")
    return asked or default


def page_token(last: Problem, filter_: improvement_pb2.ProblemFilter) -> str:
    place = json.dumps([last.severity, last.name, _mark(filter_)])
    return base64.urlsafe_b64encode(place.encode()).decode()


def page_key(token: str, filter_: improvement_pb2.ProblemFilter) -> tuple[float, str]:
    """Severity and name of the last problem of the page before; infinity for the first page."""
    if not token:
        return math.inf, ""
    try:
        severity, name, mark = json.loads(base64.urlsafe_b64decode(token))
        place = float(severity), str(name)
    except (binascii.Error, ValueError, TypeError) as error:
        raise invalid("page_token", "not a token of this list", "PAGE_TOKEN_INVALID") from error
    if mark != _mark(filter_):
        raise invalid("page_token", "belongs to a list with another filter", "PAGE_TOKEN_INVALID")
    return place


def _mark(filter_: improvement_pb2.ProblemFilter) -> str:
    return fingerprint(filter_.SerializeToString(deterministic=True)).hex()
