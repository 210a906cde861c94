"""Page tokens: where a list goes on, bound to the tenant, the method and the filter of the list that gave it."""

from __future__ import annotations

import base64
import binascii
import json
from hashlib import blake2b
from typing import Any

from google.protobuf.message import Message

from services.runtime.errors import invalid
from services.runtime.identity import current_caller

# What may change from page to page: it says how much is asked for and when, not what.
FREE_FIELDS = ("page_size", "page_token", "at_least", "request_id")


def page_size(asked: int, default: int, most: int, field: str = "page_size") -> int:
    if not 0 <= asked <= most:
        raise invalid(field, f"must lie between 1 and {most}; 0 means {default}")
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
        raise invalid("page_token", "is no token of this list", "PAGE_TOKEN_INVALID") from error
    place: list[Any] = rest
    same_types = [type(one) for one in place] == [type(one) for one in first]
    if fingerprint != _fingerprint(request) or not same_types:
        raise invalid("page_token", "is no token of this list", "PAGE_TOKEN_INVALID")
    return place


def _fingerprint(request: Message) -> str:
    same = type(request)()
    same.CopyFrom(request)
    for field in FREE_FIELDS:
        if field in same.DESCRIPTOR.fields_by_name:
            same.ClearField(field)
    bound = f"{current_caller().tenant}\0{same.DESCRIPTOR.full_name}\0".encode()
    return blake2b(bound + same.SerializeToString(deterministic=True), digest_size=8).hexdigest()
