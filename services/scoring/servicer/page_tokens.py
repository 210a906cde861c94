"""Page tokens: where a list goes on, and what it was asked for, so that a token fits its own list only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from google.protobuf.message import Message

from services.runtime.errors import FieldViolation, InvalidArgument

TOKEN_FIELDS = ("page_size", "page_token")


def page_size(asked: int, default: int, most: int) -> int:
    if not 0 <= asked <= most:
        violation = FieldViolation("page_size", f"must lie between 1 and {most}; 0 means {default}", "FIELD_INVALID")
        raise InvalidArgument("FIELD_INVALID", "page_size is out of range", field_violations=[violation])
    return asked or default


def page_token(request: Message, *place: Any) -> str:
    raw = json.dumps([_fingerprint(request), *place], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode()


def place_of(request: Any, *first: Any) -> list[Any]:
    """Where the list goes on; `first` where it begins."""
    if not request.page_token:
        return list(first)
    try:
        fingerprint, *rest = json.loads(base64.b64decode(request.page_token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise _invalid() from error
    place: list[Any] = rest
    same_types = [type(one) for one in place] == [type(one) for one in first]
    if fingerprint != _fingerprint(request) or not same_types:
        raise _invalid()
    return place


def _fingerprint(request: Message) -> str:
    same = type(request)()
    same.CopyFrom(request)
    for field in TOKEN_FIELDS:
        same.ClearField(field)
    return hashlib.sha256(same.SerializeToString(deterministic=True)).hexdigest()[:16]


def _invalid() -> InvalidArgument:
    violation = FieldViolation("page_token", "not a token of this list", "PAGE_TOKEN_INVALID")
    return InvalidArgument("PAGE_TOKEN_INVALID", "the page token cannot be read", field_violations=[violation])
