"""What one WriteEvents call of a small batch passes through: `python tests/project/write_path.py [-v]`.

Serves ingest on a Postgres of its own, writes some batches, and follows the next one with `sys.setprofile`. A stop is a
function of services/ that the call enters, each counted once; a return is a step into a file that the path had left
before; calls are all entries, loops included. Comprehensions and lambdas belong to the function that holds them. What
tasks do that were there before the call (listeners, followers) is no part of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

from andon.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from andon_client.channel import open_channel

from services.ingest.__main__ import migrate, run
from services.ingest.settings import IngestSettings
from services.machine.authority import Authority
from services.machine.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
SERVICES = f"{ROOT / 'services'}/"
EVENTS = 10
BATCHES_BEFORE = 5


class CallPath:
    """The functions of services/ that were entered since `begin`, in order."""

    def __init__(self) -> None:
        self.entered: list[tuple[str, str]] = []
        self._others = asyncio.all_tasks()
        # Held, so that no later frame gets the identity of an earlier one; a coroutine that goes on is not entered.
        self._frames: dict[int, FrameType] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(SERVICES) or code.co_name.startswith("<"):
            return
        if id(frame) not in self._frames and asyncio.current_task() not in self._others:
            self._frames[id(frame)] = frame
            self.entered.append((code.co_filename.removeprefix(SERVICES), code.co_qualname))


@dataclass(frozen=True)
class PathLength:
    """Functions that are entered, steps back into a file that was left, and files."""

    stops: int
    returns: int
    files: int


def counted(entered: Sequence[tuple[str, str]]) -> PathLength:
    stops = list(dict.fromkeys(entered))
    files = [file for file, _ in groupby(stops, key=lambda stop: stop[0])]
    return PathLength(len(stops), len(files) - len(set(files)), len(set(files)))


def shown(entered: Sequence[tuple[str, str]], verbose: bool) -> str:
    whole, own = counted(entered), counted([stop for stop in entered if stop[0].startswith("ingest/")])
    lines = [f"{file:<40} {name}" for file, name in dict.fromkeys(entered)] if verbose else []
    for what, path in ((f"one WriteEvents of {EVENTS} events", whole), ("in ingest alone", own)):
        lines.append(f"{what}: {path.stops} stops, {path.returns} returns, {path.files} files")
    return "\n".join([*lines, f"{len(entered)} calls"])


def batch(number: int) -> ingest_pb2.WriteEventsRequest:
    request = ingest_pb2.WriteEventsRequest()
    for row in range(EVENTS):
        one = request.batch.rows.events.add(id=f"{number}-{row}", source="desk", case_id=f"{row}", activity="Opened")
        one.time.FromSeconds(1_700_000_000 + row)
        one.attributes["priority"].text = "high"
    return request


async def traced(folder: Path) -> list[tuple[str, str]]:
    postgres, authority = EmbeddedPostgres(folder / "postgres"), Authority(folder / "authority")
    dsn = await postgres.start()
    try:
        server, key = authority.certificate("server"), folder / "tenant.key"
        key.write_bytes(bytes(32))
        settings = IngestSettings.model_validate(
            {
                "dsn": postgres.role_dsn("andon_ingest"),
                "migration_dsn": dsn,
                "listen": "127.0.0.1:0",
                "health_listen": "127.0.0.1:0",
                "endpoint_file": folder / "endpoint.json",
                "tls_ca_file": authority.ca_file,
                "tls_cert_file": server.certificate,
                "tls_key_file": server.key,
                "jwks_file": authority.jwks_file,
                "tenant_key_file": key,
                "log_level": "error",
            }
        )
        await migrate(settings)
        stop = asyncio.Event()
        serving = asyncio.create_task(run(settings, stop))
        assert settings.endpoint_file is not None
        while not settings.endpoint_file.exists():
            await asyncio.sleep(0.01)
        port = json.loads(settings.endpoint_file.read_text())["port"]
        client = authority.certificate("client")
        async with open_channel(
            f"127.0.0.1:{port}",
            ca_file=authority.ca_file,
            cert_file=client.certificate,
            key_file=client.key,
            token=authority.token("tester", "acme", ["writer"]),
        ) as channel:
            stub: Any = ingest_pb2_grpc.IngestServiceStub(channel)
            for number in range(BATCHES_BEFORE):
                await stub.WriteEvents(batch(number))
            await asyncio.sleep(0.5)
            path = CallPath()
            sys.setprofile(path)
            await stub.WriteEvents(batch(BATCHES_BEFORE))
            sys.setprofile(None)
        stop.set()
        await serving
        return path.entered
    finally:
        await postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", action="store_true", help="name each stop")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-path-") as name:
        # Postgres runs under an account of its own where this one is root, and must get in.
        Path(name).chmod(0o711)
        print(shown(asyncio.run(traced(Path(name))), arguments.v))


if __name__ == "__main__":
    main()
