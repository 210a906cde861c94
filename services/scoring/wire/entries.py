"""What one step states, cut into entries of the score log that each fit into a response of a watch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from andon.scoring.v1 import score_pb2
from google.protobuf.message import Message

from services.scoring.wire.scores import unpack_scores, unpack_signals

ENTRY_ITEMS_MAX = 5_000
# Half of what gRPC accepts by default, so that any client can read a commit whole.
ENTRY_BYTES_MAX = 2 * 1024 * 1024
FRAMING_BYTES = 8
"""What an item costs in a response beyond its own bytes, at most."""

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class PublishedEntry:
    """One entry of the score log as messages, unpacked once for all who follow it."""

    scores: tuple[score_pb2.Score, ...]
    signals: tuple[score_pb2.Signal, ...]
    traceparent: str
    committed_at: datetime


def published_entry(scores: bytes, signals: bytes, traceparent: str, committed_at: datetime) -> PublishedEntry:
    return PublishedEntry(tuple(unpack_scores(scores)), tuple(unpack_signals(signals)), traceparent, committed_at)


Said = tuple[list[score_pb2.Score], list[score_pb2.Signal]]


def entry_bytes_max(message_bytes_max: int) -> int:
    return min(ENTRY_BYTES_MAX, message_bytes_max // 2)


def bytes_of(items: Iterable[Message]) -> int:
    """What these items take in a response, at most."""
    return sum(item.ByteSize() + FRAMING_BYTES for item in items)


def entries_of(
    scores: Sequence[score_pb2.Score], signals: Sequence[score_pb2.Signal], bytes_max: int = ENTRY_BYTES_MAX
) -> list[Said]:
    """At least one entry. Where it takes several, scores come in the order of their windows and before the signals,
    so that who sees a signal has seen the scores behind it."""
    scored = _cut(scores, bytes_max, lambda score: (score.interval.start.seconds, score.interval.start.nanos))
    signalled = _cut(signals, bytes_max)
    entries: list[Said] = [(part, []) for part in scored] or [([], [])]
    for number, part in enumerate(signalled):
        if number == 0:
            entries[-1] = (entries[-1][0], part)
        else:
            entries.append(([], part))
    return entries


def _cut(items: Sequence[M], bytes_max: int, order: Callable[[M], tuple[int, int]] | None = None) -> list[list[M]]:
    parts = parts_of(items, bytes_max)
    return parts_of(sorted(items, key=order), bytes_max) if order and len(parts) > 1 else parts


def parts_of(items: Iterable[M], bytes_max: int) -> list[list[M]]:
    """In their order, each part within what one entry may take."""
    parts: list[list[M]] = []
    left = -1
    for item in items:
        size = bytes_of([item])
        if left < size or len(parts[-1]) >= ENTRY_ITEMS_MAX:
            parts.append([])
            left = bytes_max
        parts[-1].append(item)
        left -= size
    return parts
