"""A channel that follows its certificates: opened again when their files change, under the same stubs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

# A look at the files costs a few microseconds: once in a while, not at every call.
CHECK_S = 1.0
# Closing cancels what is under way and waits for nobody; what is not there by then is left behind.
CLOSE_S_MAX = 5.0


@dataclass(frozen=True)
class Channels:
    """Channels of one state of the files. A channel connects at its first call, so one that is not used costs nothing.

    uploads: for calls that send a stream of requests; gRPC must not retry on it (see `channel.open_channel`).
    """

    others: grpc.aio.Channel
    uploads: grpc.aio.Channel


class RenewedChannel(grpc.aio.Channel):
    """`open_channels` reads `files`; calls made after they changed go over a channel of the new ones.

    `metadata` is asked for at each call and sent with it, so that a renewed token is picked up.

    Calls that are under way stay on the channel that they began on, which is kept until the next change: a server
    ends connections by age, so by then nothing is left on it.
    """

    def __init__(
        self,
        files: Sequence[Path],
        open_channels: Callable[[], Channels],
        metadata: Callable[[], Sequence[tuple[str, str]]],
    ) -> None:
        self._files = files
        self._metadata = metadata
        self._open_channels = open_channels
        self._seen = _state(files)
        self._checked_s = time.monotonic()
        self._current = open_channels()
        self._former: Channels | None = None

    @property
    def current(self) -> Channels:
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
            opened = self._open_channels()
        except (OSError, ValueError):
            # The files are being replaced: the next check finds them complete.
            return
        self._seen, self._former, self._current = seen, self._current, opened

    def unary_unary(self, *method: Any, **options: Any) -> Any:
        return self._calling(lambda channels: channels.others.unary_unary(*method, **options))

    def unary_stream(self, *method: Any, **options: Any) -> Any:
        return self._calling(lambda channels: channels.others.unary_stream(*method, **options))

    def stream_unary(self, *method: Any, **options: Any) -> Any:
        return self._calling(lambda channels: channels.uploads.stream_unary(*method, **options))

    def stream_stream(self, *method: Any, **options: Any) -> Any:
        return self._calling(lambda channels: channels.uploads.stream_stream(*method, **options))

    def _calling(self, prepare: Callable[[Channels], Callable[..., Any]]) -> Callable[..., Any]:
        on = self._current
        make_call = prepare(on)

        def call(*given: Any, **how: Any) -> Any:
            nonlocal on, make_call
            if self.current is not on:
                on = self._current
                make_call = prepare(on)
            sent = (*(how.pop("metadata", None) or ()), *self._metadata())
            return make_call(*given, metadata=sent, **how)

        return call

    async def close(self, grace: float | None = None) -> None:
        """Returns within `grace` and a few seconds, whatever the other side does."""
        opened = [channels for channels in (self._current, self._former) if channels is not None]
        closing = [
            asyncio.ensure_future(channel.close(grace))
            for channels in opened
            for channel in (channels.others, channels.uploads)
        ]
        await asyncio.wait(closing, timeout=CLOSE_S_MAX + (grace or 0.0))

    async def __aenter__(self) -> RenewedChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._current.others.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._current.others.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._current.others.channel_ready()


def _state(files: Sequence[Path]) -> list[tuple[int, int]]:
    return [(status.st_mtime_ns, status.st_ino) for status in (file.stat() for file in files)]
