"""A message of a broker as a record: where it came from, and what it holds under `value`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping


def message_record(about: Mapping[str, object], body: bytes | None) -> bytes:
    """JSON is written as it was sent; other text is a text; anything else is base64 under `value_base64`.

    >>> message_record({"topic": "desk", "offset": 7}, b'{"n": 1.50}')
    b'{"topic": "desk", "offset": 7, "value": {"n": 1.50}}'
    >>> message_record({"topic": "desk"}, b"on")
    b'{"topic": "desk", "value": "on"}'
    """
    begun = json.dumps(dict(about), ensure_ascii=False).encode("utf-8", "surrogatepass")[:-1]
    name, value = _value(body)
    return begun + b', "' + name + b'": ' + value + b"}"


def _value(body: bytes | None) -> tuple[bytes, bytes]:
    if body is None:
        return b"value", b"null"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return b"value_base64", json.dumps(base64.b64encode(body).decode("ascii")).encode()
    try:
        # One whole value and nothing besides is what makes it safe to write it into the record.
        json.loads(text)
    except (ValueError, RecursionError):
        return b"value", json.dumps(text, ensure_ascii=False).encode()
    return b"value", body
