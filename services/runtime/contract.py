"""A gRPC service as a process serves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from services.runtime.identity import Access
from services.runtime.texts import Texts


@dataclass(frozen=True)
class Contract:
    """`name` as health and reflection know it, `add_to_server` as generated, `access` the roles of each method.

    `texts`: error messages of the service's own reasons.
    """

    name: str
    servicer: Any
    add_to_server: Callable[[Any, grpc.aio.Server], None]
    access: Access
    texts: Texts = field(default_factory=dict)
