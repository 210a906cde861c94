"""A gRPC service as a process serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from services.runtime.identity import Access
from services.runtime.texts import Texts

RequestT = TypeVar("RequestT", bound=Message)
# What a request is read with: protobuf's FromString, or one that leaves a large part of it unread.
Reader = Callable[[bytes], Any]


@dataclass(frozen=True)
class PartlyRead(Generic[RequestT]):
    """A request without one large part, which its servicer reads away from the event loop: `part`, as it came."""

    request: RequestT
    part: memoryview


@dataclass(frozen=True)
class Contract:
    """`name` as health and reflection know it, `add_to_server` as generated, `access` the roles of each method.

    `texts`: error messages of the service's own reasons. `readers`, by method: what reads its requests instead of
    protobuf's own way.
    """

    name: str
    servicer: Any
    add_to_server: Callable[[Any, grpc.aio.Server], None]
    access: Access
    texts: Texts = field(default_factory=dict)
    readers: Mapping[str, Reader] = field(default_factory=dict)
