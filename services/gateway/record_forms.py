"""The forms in which records come, by their content type: JSON, JSON Lines, Arrow, CloudEvents in each mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.gateway import cloud_events
from services.gateway.json_texts import text_of, values_of
from services.gateway.media_types import ARROW, CLOUD_EVENT, CLOUD_EVENTS, JSON_LINES, is_json, media_type
from services.runtime.errors import invalid


@dataclass(frozen=True)
class SentRecords:
    """`json`: each record as it was sent. `arrow`: a stream whose rows are records, instead."""

    json: Sequence[bytes] = ()
    arrow: bytes = b""


def records_of(headers: Mapping[str, str], body: bytes) -> SentRecords:
    """`headers`: by name in lower case. Raises InvalidArgument; a single bad record is none of its matters.

    >>> records_of({"content-type": "application/x-ndjson"}, b'{"a": 1}\\n\\n{"a": 2}').json
    [b'{"a": 1}', b'{"a": 2}']
    """
    media = media_type(headers)
    if media in (CLOUD_EVENT, CLOUD_EVENTS):
        return SentRecords(cloud_events.structured(body, batch=media == CLOUD_EVENTS))
    if f"{cloud_events.PREFIX}specversion" in headers:
        return SentRecords([cloud_events.binary(headers, body)])
    if media == ARROW:
        return SentRecords(arrow=body)
    if media in JSON_LINES:
        # A line that is no JSON is a record all the same: it is quarantined, and the others are taken.
        return SentRecords([line for line in map(bytes.strip, body.split(b"\n")) if line])
    if is_json(media):
        return SentRecords([raw for _, raw in values_of(text_of(body))])
    raise invalid("content-type", "must be JSON, JSON Lines, CloudEvents in JSON, or an Arrow stream")
