"""Media types that say in which form a request is."""

from __future__ import annotations

from collections.abc import Mapping

PROTOBUF = "application/x-protobuf"
ARROW = "application/vnd.apache.arrow.stream"
JSON = frozenset({"", "application/json", "text/json"})
JSON_LINES = frozenset(
    {"application/x-ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines"}
)
CLOUD_EVENT, CLOUD_EVENTS = "application/cloudevents+json", "application/cloudevents-batch+json"


def media_type(headers: Mapping[str, str]) -> str:
    """Without its parameters, in lower case; empty where there is none. `headers`: by name in lower case.

    >>> media_type({"content-type": "Application/JSON; charset=utf-8"})
    'application/json'
    """
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    return media in JSON or media.endswith("+json")
