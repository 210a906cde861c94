"""Connections that break many times a second while files are loaded: the process lives, and every batch arrives."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
from contextlib import asynccontextmanager

import grpc
import pytest
from andon.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from andon_client import loading
from andon_client.channel import open_channel
from andon_records.batches import Batch

from services.machine.authority import Authority

pytestmark = [pytest.mark.timeout(300), pytest.mark.faults]
LOADS, BATCHES, BATCH_BYTES = 8, 400, 60_000
LIFE_S_MIN, LIFE_S_MAX = 0.02, 0.15
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """Takes each batch and answers after some milliseconds."""

    def __init__(self):
        self.taken: set[bytes] = set()

    async def StreamEvents(self, requests, context):
        async for request in requests:
            self.taken.add(request.batch.arrow_ipc[:16])
            await asyncio.sleep(random.uniform(0.0, 0.01))
            written = ingest_pb2.WriteEventsResponse(accepted=1)
            yield ingest_pb2.StreamEventsResponse(sequence=request.sequence, written=written)


@asynccontextmanager
async def breaking(port):
    """The port of a proxy that resets each of its connections after 20 to 150 ms."""

    async def pipe(reader, writer):
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def connected(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        pipes = [asyncio.create_task(pipe(reader, inner_writer)), asyncio.create_task(pipe(inner_reader, writer))]
        await asyncio.sleep(random.uniform(LIFE_S_MIN, LIFE_S_MAX))
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        writer.transport.abort()
        inner_writer.transport.abort()
        await asyncio.gather(*pipes, return_exceptions=True)

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    yield proxy.sockets[0].getsockname()[1]
    proxy.close()


async def test_a_load_outlives_connections_that_break_amid_its_messages(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(loading.Backoff, "delay_s", lambda self, attempt, dice: 0.02)
    authority, ingest, breaks = Authority(tmp_path / "authority"), Ingest(), []
    certificate, key = authority.certificate("both")
    pair, ca = (key.read_bytes(), certificate.read_bytes()), authority.ca_file.read_bytes()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 << 20)])
    ingest_pb2_grpc.add_IngestServiceServicer_to_server(ingest, server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair], ca, require_client_auth=True))
    await server.start()

    async def loaded(target):
        batches = [Batch(n, os.urandom(BATCH_BYTES), 1, 1, n + 1, (n + 1,)) for n in range(BATCHES)]
        async with open_channel(
            target,
            ca_file=authority.ca_file,
            cert_file=certificate,
            key_file=key,
            token="t",
            options=[("grpc.use_local_subchannel_pool", 1)],
        ) as channel:
            stub = ingest_pb2_grpc.IngestServiceStub(channel)
            report = await loading.load(stub, iter(batches), on_break=breaks.append)
        return report.rows, {batch.arrow_ipc[:16] for batch in batches} - ingest.taken

    async with breaking(port) as proxy:
        results = await asyncio.gather(*(loaded(f"127.0.0.1:{proxy}") for _ in range(LOADS)))
    await server.stop(None)
    assert results == [(BATCHES, set())] * LOADS
    assert len(breaks) > LOADS
    # No call that broke is left waiting, to be complained of when it is collected.
    assert "Task was destroyed" not in capfd.readouterr().err
