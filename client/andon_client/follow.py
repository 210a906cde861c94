"""Follow a log by cursor: resume after any break, miss nothing, see nothing twice."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

RETRYABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)

# What grpc.aio says of a message sent on a call that has just ended, in place of the status that it ended with.
_SENT_TOO_LATE = "Internal error from Core"


def is_retryable(error: grpc.aio.AioRpcError) -> bool:
    """Whether the same call may go through when it is made again."""
    sent_too_late = error.code() is grpc.StatusCode.INTERNAL and error.details() == _SENT_TOO_LATE
    return error.code() in RETRYABLE or sent_too_late


def requested_delay_s(error: grpc.aio.AioRpcError) -> float:
    """How long the service asks to wait; 0: it does not say."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for detail in status.details if status is not None else ():
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return 0.0


class Followed(Protocol):
    @property
    def through(self) -> str: ...


R = TypeVar("R", bound=Followed)


@dataclass(frozen=True)
class Backoff:
    """Seconds to wait before the n-th try in a row: doubling, capped, with full jitter."""

    first_s: float = 0.05
    max_s: float = 3.0

    def delay_s(self, attempt: int, dice: Callable[[], float]) -> float:
        return min(self.max_s, self.first_s * 2.0 ** min(attempt, 30)) * (0.5 + 0.5 * dice())


async def follow(
    open_stream: Callable[[str], AsyncIterable[R]],
    after: str = "",
    backoff: Backoff | None = None,
    on_break: Callable[[grpc.aio.AioRpcError], None] | None = None,
) -> AsyncIterator[R]:
    """Responses of `open_stream(cursor)` in commit order, for ever, over breaks of either side.

    `open_stream` opens the call that resumes after a cursor, for example
    `lambda after: scoring.WatchScores(WatchScoresRequest(after=after))`. Each response is yielded once: after a break
    the call is opened again from the last `through` that was yielded. Ends only when the server ends the call in good
    order; raises errors that a retry would not mend (an expired cursor, a refused token).
    A consumer that keeps `through` together with its own effect (see `Journal`) has exactly-once effect over restarts.
    """
    pace = backoff or Backoff()
    attempt = 0
    while True:
        try:
            async for response in open_stream(after):
                attempt = 0
                yield response
                after = response.through or after
            return
        except grpc.aio.AioRpcError as error:
            if not is_retryable(error):
                raise
            if on_break is not None:
                on_break(error)
        await asyncio.sleep(pace.delay_s(attempt, random.random))
        attempt += 1


class Journal:
    """A file of JSON lines that holds what was followed and how far: the effect and its cursor in one write.

    A line torn by a crash is cut off at the next opening, so following on from `through` repeats and loses nothing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("a+b")
        self.through = self._recover()

    def _recover(self) -> str:
        self._file.seek(0)
        whole, through = 0, ""
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            through = json.loads(line)["through"]
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)
        return through

    def append(self, items: list[dict[str, Any]], through: str) -> None:
        line = json.dumps({"items": items, "through": through}, ensure_ascii=False, separators=(",", ":"))
        self._file.write(line.encode("utf-8") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.through = through

    def close(self) -> None:
        self._file.close()
