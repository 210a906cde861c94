"""`buf curl`, a client that has never seen the project, lists, writes and watches through reflection."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from andon_client.suite import Suite

BUF = shutil.which("buf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = [pytest.mark.timeout(200), pytest.mark.skipif(BUF is None, reason="buf is not installed")]


def command(connection, service: str, method: str, body: Any = None) -> list[str]:
    assert BUF is not None
    # A client without load balancing takes one of the replicas.
    address = connection.targets[service].removeprefix("ipv4:").split(",")[0]
    token, target = f"authorization: Bearer {connection.token()}", f"https://{address}"
    files = {"--cacert": connection.ca_file, "--cert": connection.cert_file, "--key": connection.key_file}
    words = [BUF, "curl", "--protocol", "grpc", "--header", token, "--reflect-header", token]
    words += [str(word) for pair in files.items() for word in pair]
    words += ["--data", json.dumps(body)] if body is not None else []
    return [*words, method, target] if method.startswith("--") else [*words, f"{target}/{method}"]


def curl(connection, service: str, method: str, body: Any = None) -> str:
    words = command(connection, service, method, body)
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_services_are_listed_through_reflection(connection):
    for service in ("ingest", "scoring", "improvement"):
        listed = curl(connection, service, "--list-services")
        assert f"andon.{service}.v1.{service.capitalize()}Service" in listed


def test_events_are_written_and_read_back(connection):
    event = {
        "id": "e-1",
        "source": "foreign",
        "caseId": "C-1",
        "activity": "Created",
        "time": "2026-03-02T08:00:00Z",
        "attributes": {"team": {"text": "A"}},
    }
    body = {"batch": {"rows": {"events": [event, {**event, "id": "e-2", "time": "2100-01-01T00:00:00Z"}]}}}
    written = json.loads(curl(connection, "ingest", "andon.ingest.v1.IngestService/WriteEvents", body))
    assert written["accepted"] == 1
    assert written["rejections"][0]["reason"] == "ERROR_REASON_EVENT_TIME_IN_FUTURE"
    read = curl(connection, "ingest", "andon.ingest.v1.IngestService/ReadEvents", {"encoding": "ENCODING_ROWS"})
    assert '"e-1"' in read
    assert '"e-2"' not in read


async def test_scores_are_watched(connection, desk):
    async with Suite(connection) as client:
        await desk.begin_scoring(client)
        await desk.write(client, desk.events(days=4))
        await desk.settled(client)
    body = {"snapshot": True, "heartbeat": "0.2s"}
    process = await asyncio.create_subprocess_exec(
        *command(connection, "scoring", "andon.scoring.v1.ScoringService/WatchScores", body),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    seen = ""
    async with asyncio.timeout(60.0):
        while "snapshotComplete" not in seen:
            seen += (await process.stdout.readline()).decode()
    process.kill()
    await process.wait()
    assert "desk/main/rework@day" in seen
