"""CloudEvents 1.0 over HTTP: in each mode an event becomes the same record, its JSON form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from services.gateway.json_texts import text_of, values_of
from services.gateway.media_types import is_json, media_type
from services.runtime.errors import invalid

PREFIX = "ce-"
VERSION = "1.0"
REQUIRED = ("id", "source", "type")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def structured(body: bytes, *, batch: bool) -> Sequence[bytes]:
    """Events in the JSON form, as they were sent. Raises InvalidArgument with the attribute at fault."""
    text = text_of(body)
    if batch != text.lstrip().startswith("["):
        raise invalid("body", "is an array of events" if batch else "is one event")
    records = []
    for number, (event, raw) in enumerate(values_of(text)):
        place = f"[{number}]" if batch else ""
        if not isinstance(event, dict):
            raise invalid(f"event{place}", "is no JSON object")
        _check(event, f"event{place}.")
        records.append(raw)
    return records


def binary(headers: Mapping[str, str], body: bytes) -> bytes:
    """An event whose attributes are headers. `headers`: by name in lower case.

    >>> binary({"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/desk", "ce-type": "opened"}, b'{"n": 1.50}')
    b'{"specversion": "1.0", "id": "7", "source": "/desk", "type": "opened", "data": {"n": 1.50}}'
    """
    event = {name.removeprefix(PREFIX): _value(text) for name, text in headers.items() if name.startswith(PREFIX)}
    kind = headers.get("content-type", "")
    if kind:
        event["datacontenttype"] = kind
    _check(event, PREFIX)
    encoded = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if not body:
        return encoded
    name, data = _data(media_type(headers), body)
    return encoded[:-1] + b', "' + name + b'": ' + data + b"}"


def _data(media: str, body: bytes) -> tuple[bytes, bytes]:
    if is_json(media):
        text = text_of(body)
        # That it is one whole value and nothing besides is what makes it safe to write it into the event.
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            raise invalid("body", "is not valid JSON, as its content type says") from error
        return b"data", text.encode("utf-8", "surrogatepass")
    if media.startswith("text/") or media.endswith("xml"):
        return b"data", json.dumps(text_of(body), ensure_ascii=False).encode()
    return b"data_base64", json.dumps(base64.b64encode(body).decode("ascii")).encode()


def _check(event: Mapping[str, Any], prefix: str) -> None:
    if event.get("specversion") != VERSION:
        raise invalid(f"{prefix}specversion", f"must be {VERSION}")
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise invalid(f"{prefix}{name}", "is required", "FIELD_REQUIRED")


def _value(text: str) -> str:
    """Of a header: quotes around it are no part of it, and what it cannot hold is percent-encoded."""
    text = text.strip()
    if quoted := _QUOTED.fullmatch(text):
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    return unquote(text, errors="strict" if text.isascii() else "replace")
