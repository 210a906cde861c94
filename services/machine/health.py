"""Whether a child serves, by the health port that it announced."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

ANSWER_S_MAX = 2.0


async def is_serving(endpoint_file: Path) -> bool:
    try:
        endpoint = json.loads(await asyncio.to_thread(endpoint_file.read_text, encoding="utf-8"))
    except FileNotFoundError:
        return False
    async with grpc.aio.insecure_channel(f"127.0.0.1:{endpoint['health_port']}") as channel:
        try:
            answer = await _health_check(channel)(health_pb2.HealthCheckRequest(), timeout=ANSWER_S_MAX)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _health_check(channel: grpc.aio.Channel) -> Any:
    return channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
