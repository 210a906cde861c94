"""A subscriber that is killed and started again misses nothing and sees nothing twice."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from andon.scoring.v1 import scoring_pb2
from andon_client.follow import follow
from andon_client.suite import Suite

pytestmark = pytest.mark.timeout(280)


def subscriber(home: Path, journal: Path, after: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "andon_client", "watch", "scores", "--after", after, "--journal", str(journal)],
        env={**os.environ, "ANDON_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def written(journal: Path) -> list[tuple[str, str, int]]:
    """Series, window and revision of every change, in order; a torn last line is not counted."""
    if not journal.exists():
        return []
    lines = [json.loads(line) for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [
        (item["series"], item["interval"].get("start", ""), int(item["revision"]))
        for line in lines
        for item in line["items"]
    ]


async def history(suite: Suite, after: str, count: int) -> list[tuple[str, str, int]]:
    """The first `count` changes, read in one piece."""
    found: list[tuple[str, str, int]] = []
    async for response in follow(lambda at: suite.scoring.WatchScores(scoring_pb2.WatchScoresRequest(after=at)), after):
        found += [
            (score.series, score.interval.start.ToJsonString() if score.interval.start.seconds else "", score.revision)
            for score in response.scores
        ]
        if len(found) >= count:
            return found
    return found


async def test_a_killed_subscriber_goes_on_from_its_journal(suite, tenant, connection, desk, home, tmp_path):
    journal, dice = tmp_path / "scores.jsonl", random.Random(5)
    async with Suite(connection) as client:
        await desk.begin_scoring(client)
        after = (await client.scoring.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest
        events, kills = desk.events(30), 4
        process = subscriber(home, journal, after)
        for part in range(kills + 1):
            await desk.write(
                client, events[part * len(events) // (kills + 1) : (part + 1) * len(events) // (kills + 1)], 300
            )
            if part < kills:
                await _grown(journal)
                await asyncio.sleep(dice.uniform(0.0, 0.3))
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = subscriber(home, journal, after)
        await desk.settled(client)
        newest = (await client.scoring.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest
        for _ in range(400):
            if journal.exists() and _through(journal) == newest:
                break
            await asyncio.sleep(0.1)
        process.kill()
        process.wait()
        seen = written(journal)
        assert len(seen) == len(set(seen))
        assert seen == await history(client, after, len(seen))


async def _grown(journal: Path, timeout_s: float = 60.0) -> None:
    """Returns once the subscriber has written more than there was."""
    size = journal.stat().st_size if journal.exists() else 0
    for _ in range(int(timeout_s * 20)):
        if journal.exists() and journal.stat().st_size > size:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the subscriber writes nothing")


def _through(journal: Path) -> str:
    whole = [line for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return str(json.loads(whole[-1])["through"]) if whole else ""


async def test_an_idle_watch_carries_heartbeats_that_advance_the_cursor(connection, desk):
    async with Suite(connection) as client:
        await desk.begin_scoring(client)
        request = scoring_pb2.WatchScoresRequest()
        request.heartbeat.FromMilliseconds(200)
        beats = []
        async for response in client.scoring.WatchScores(request):
            beats.append(response)
            if len(beats) == 3:
                break
        assert all(beat.through for beat in beats)
        assert not any(beat.scores for beat in beats)
