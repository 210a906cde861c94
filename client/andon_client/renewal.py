"""A channel that follows its certificates: opened again when their files change, under the same stubs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

# A look at the files costs a few microseconds: once in a while, not at every call.
CHECK_S = 1.0
# Closing cancels what is under way and waits for nobody; what is not there by then is left behind.
CLOSE_S_MAX = 5.0


class RenewedChannel(grpc.aio.Channel):
    """`open_channel` reads `files`; calls made after they changed go over a channel of the new ones.

    `metadata` is asked for at each call and sent with it, so that a renewed token is picked up.

    Calls that are under way stay on the channel that they began on, which is kept until the next change: a server
    ends connections by age, so by then nothing is left on it.
    """

    def __init__(
        self,
        files: Sequence[Path],
        open_channel: Callable[[], grpc.aio.Channel],
        metadata: Callable[[], Sequence[tuple[str, str]]],
    ) -> None:
        self._files = files
        self._metadata = metadata
        self._open_channel = open_channel
        self._seen = _state(files)
        self._checked_s = time.monotonic()
        self._current = open_channel()
        self._former: grpc.aio.Channel | None = None

    @property
    def current(self) -> grpc.aio.Channel:
        now_s = time.monotonic()
        if now_s - self._checked_s >= CHECK_S:
            self._checked_s = now_s
            self._renew()
        return self._current

    def _renew(self) -> None:
        try:
            seen = _state(self._files)
            if seen == self._seen:
                return
            opened = self._open_channel()
        except (OSError, ValueError):
            # The files are being replaced: the next check finds them complete.
            return
        self._seen, self._former, self._current = seen, self._current, opened

    def unary_unary(self, *method: Any, **options: Any) -> Any:
        return self._calling("unary_unary", *method, **options)

    def unary_stream(self, *method: Any, **options: Any) -> Any:
        return self._calling("unary_stream", *method, **options)

    def stream_unary(self, *method: Any, **options: Any) -> Any:
        return self._calling("stream_unary", *method, **options)

    def stream_stream(self, *method: Any, **options: Any) -> Any:
        return self._calling("stream_stream", *method, **options)

    def _calling(self, kind: str, *method: Any, **options: Any) -> Callable[..., Any]:
        on, make_call = self._current, getattr(self._current, kind)(*method, **options)

        def call(*given: Any, **how: Any) -> Any:
            nonlocal on, make_call
            if self.current is not on:
                on, make_call = self._current, getattr(self._current, kind)(*method, **options)
            sent = (*(how.pop("metadata", None) or ()), *self._metadata())
            return make_call(*given, metadata=sent, **how)

        return call

    async def close(self, grace: float | None = None) -> None:
        """Returns within `grace` and a few seconds, whatever the other side does."""
        for channel in (self._current, self._former):
            if channel is not None:
                closing = asyncio.ensure_future(channel.close(grace))
                await asyncio.wait([closing], timeout=CLOSE_S_MAX + (grace or 0.0))

    async def __aenter__(self) -> RenewedChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._current.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._current.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._current.channel_ready()


def _state(files: Sequence[Path]) -> list[tuple[int, int]]:
    return [(status.st_mtime_ns, status.st_ino) for status in (file.stat() for file in files)]
