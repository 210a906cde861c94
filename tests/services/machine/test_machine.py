"""The whole suite on a Postgres that is run elsewhere."""

from __future__ import annotations

import tempfile
from pathlib import Path

from andon.ingest.v1 import ingest_pb2
from andon_client.connection import load_connection
from andon_client.suite import Suite

from services.machine.home import Home
from services.machine.machine import Machine, Plan


async def test_a_suite_runs_on_a_postgres_of_ones_own_and_leaves_its_data_there(database: str) -> None:
    with tempfile.TemporaryDirectory(prefix="andon-machine-") as folder:
        home = Home(Path(folder))
        for _ in range(2):
            async with Machine(Plan(home, dsn=database)), Suite(load_connection(home.folder)) as suite:
                bounds = await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())
                assert bounds.newest == bounds.oldest
                assert not home.postgres.exists()
