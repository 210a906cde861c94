"""The bridge as a process: `python -m services.bridge serve`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import assert_never

import grpc
import structlog
from andon_client.follow import Backoff
from confluent_kafka import KafkaException

from services.bridge.adapters.folder import WatchedFolder
from services.bridge.adapters.kafka import ConsumedTopics
from services.bridge.adapters.mqtt import SubscribedTopics
from services.bridge.adapters.postgres import PolledTable
from services.bridge.adapters.prometheus import ScrapedPage
from services.bridge.connections import (
    BadConnections,
    Connection,
    FolderConnection,
    KafkaConnection,
    MqttConnection,
    PostgresConnection,
    PrometheusConnection,
    read_connections,
    replica_of,
)
from services.bridge.positions import Position
from services.bridge.record_sink import RecordSink
from services.bridge.settings import BridgeSettings
from services.runtime.command import run_command
from services.runtime.database import STORE_ERRORS
from services.runtime.peers import open_tenant_channel
from services.runtime.server import Background, serve

PAUSES = Backoff(first_s=0.25, max_s=10.0)

log = structlog.get_logger(__name__)


def is_ours(connection: Connection, settings: BridgeSettings) -> bool:
    """The members of a group of Kafka share by themselves; any other connection belongs to one replica."""
    shared = isinstance(connection, KafkaConnection)
    return shared or replica_of(connection.name, settings.replica_count) == settings.replica


def work_of(connection: Connection, settings: BridgeSettings, channel: grpc.aio.Channel) -> Background:
    """What a connection does, for ever. It begins again when its peer was away, with secrets as they are then."""
    sink = RecordSink(channel, connection.source, connection.name)

    def secret(name: str) -> str:
        return "" if not name else (Path(settings.connections_dir or ".") / name).read_text(encoding="utf-8").strip()

    async def begin() -> None:
        match connection:
            case FolderConnection():
                await WatchedFolder(connection, sink.ingest, settings.state_dir / "files").run()
            case PostgresConnection():
                position = Position(settings.state_dir, connection.name)
                await PolledTable(connection, secret(connection.dsn_file), sink, position).run()
            case PrometheusConnection():
                await ScrapedPage(connection, sink, secret(connection.token_file), secret(connection.ca_file)).run()
            case MqttConnection():
                password, authority = secret(connection.password_file), secret(connection.ca_file)
                await SubscribedTopics(connection, sink, password, authority).run()
            case KafkaConnection():
                options = {name: secret(file) for name, file in connection.secret_options.items()}
                await ConsumedTopics(connection, sink, settings.member, options).run()
            case _:
                assert_never(connection)

    async def work() -> None:
        attempt = 0
        while True:
            begun_s = time.monotonic()
            try:
                await begin()
            except grpc.aio.AioRpcError as error:
                log.error("refused by ingest", connection=connection.name, code=error.code().name, why=error.details())
            except BadConnections as error:
                log.error("connection at fault", connection=connection.name, why=str(error))
            except (*STORE_ERRORS, KafkaException) as error:
                why = str(error) if isinstance(error, OSError) else type(error).__name__
                log.warning("peer unavailable", connection=connection.name, why=why)
            attempt = 0 if time.monotonic() - begun_s > PAUSES.max_s else attempt + 1
            await asyncio.sleep(PAUSES.delay_s(attempt, lambda: 1.0))

    return work


async def run(settings: BridgeSettings, stop: asyncio.Event | None = None) -> None:
    try:
        found = read_connections(settings.connections_dir)
    except BadConnections as error:
        raise SystemExit(str(error)) from None
    mine = [one for one in found if is_ours(one, settings)]
    target = settings.ingest_target
    channels = {one.tenant: open_tenant_channel(settings, target, one.tenant) for one in mine}
    closers: list[Callable[[], Awaitable[None]]] = [channel.close for channel in channels.values()]
    background = [work_of(one, settings, channels[one.tenant]) for one in mine]
    await serve(settings=settings, background=background, closers=closers, stop=stop)


if __name__ == "__main__":
    run_command("bridge", __doc__, BridgeSettings, run)
