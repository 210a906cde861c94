"""Whether a child serves, by the health port that it announced."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

ANSWER_S_MAX = 2.0


async def is_serving(endpoint_file: Path) -> bool:
    try:
        endpoint = json.loads(await asyncio.to_thread(endpoint_file.read_text, encoding="utf-8"))
    except FileNotFoundError:
        return False
    async with grpc.aio.insecure_channel(f"127.0.0.1:{endpoint['health_port']}") as channel:
        try:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=ANSWER_S_MAX)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
