"""The whole suite as real processes, once per worker; every test has a tenant of its own."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import event_pb2, ingest_pb2
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2
from andon_client.command_line import app
from andon_client.commands.system import apply_system
from andon_client.connection import FILE_NAME, Connection, load_connection
from andon_client.documents import parse_document
from andon_client.suite import Suite
from typer.testing import CliRunner

from services.machine.authority import Authority
from services.machine.home import Home
from services.machine.machine import SUITE, provision_tenant

ROOT = Path(__file__).parents[1]
START_S_MAX = 150.0
TWO_OF_EACH = [part for service in SUITE if service.replicas for part in (f"--{service.name}-replicas", "2")]
Row = dict[str, object]


class RunningSuite:
    """`python -m services` in a folder of its own."""

    def __init__(self, *options: str) -> None:
        # Readable by the user that Postgres runs as, so that its data stays inside.
        self.home = Path(tempfile.mkdtemp(prefix="andon-flow-"))
        self.home.chmod(0o755)
        self._options = options
        self._tenants = (f"tenant-{number:02d}" for number in itertools.count())
        self._log = self.home / "suite.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "services", "--home", str(self.home), *self._options],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S_MAX
        while "Andon serves" not in self._log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline:
                os.kill(process.pid, signal.SIGKILL) if process.poll() is None else None
                raise RuntimeError(f"the suite did not start:\n{self._log.read_text(encoding='utf-8')[-3000:]}")
            time.sleep(0.1)
        return process

    def connection(self, tenant: str, roles: Sequence[str] = ("admin",), locale: str = "en") -> Connection:
        token = Authority(self.home / "authority").token("tester", tenant, roles)
        token_file = self.home / f"{tenant}-{'-'.join(roles)}.jwt"
        token_file.write_text(token, encoding="ascii")
        return replace(load_connection(self.home, locale), token_file=token_file)

    def next_tenant(self) -> str:
        tenant = next(self._tenants)
        provision_tenant(Home(self.home), Authority(self.home / "authority"), tenant)
        return tenant

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        if "ANDON_KEEP_HOME" not in os.environ:
            shutil.rmtree(self.home, ignore_errors=True)
        return status


@pytest.fixture(scope="session")
def suite() -> Iterator[RunningSuite]:
    """Two replicas of each service, as it is deployed."""
    running = RunningSuite(*TWO_OF_EACH)
    yield running
    running.stop()


@pytest.fixture
def tenant(suite: RunningSuite) -> str:
    return suite.next_tenant()


@pytest.fixture
def connection(suite: RunningSuite, tenant: str) -> Connection:
    """An administrator of a tenant that nobody else uses."""
    return suite.connection(tenant)


@pytest.fixture
def home(suite: RunningSuite, connection: Connection, tmp_path: Path) -> Path:
    """What `andon --home` reads, for the tenant of this test."""
    folder = tmp_path / "home"
    folder.mkdir()
    document = json.loads((suite.home / FILE_NAME).read_text(encoding="utf-8"))
    absolute = {key: str(suite.home / document[key]) for key in ("ca_file", "cert_file", "key_file")}
    text = json.dumps({"targets": document["targets"], **absolute, "token_file": str(connection.token_file)})
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def andon(home: Path) -> Callable[..., str]:
    """The command, run as a person of this test's tenant would; what it printed."""

    def run(*words: str, exit_code: int = 0, locale: str = "en") -> str:
        done = CliRunner().invoke(app, ["--home", str(home), "--locale", locale, *words])
        assert done.exit_code == exit_code, done.output
        return str(done.output)

    return run


@pytest.fixture
def new_suite() -> Iterator[Callable[..., RunningSuite]]:
    """Suites of a test's own, with options."""
    made: list[RunningSuite] = []

    def make(*options: str) -> RunningSuite:
        made.append(RunningSuite(*options))
        return made[-1]

    yield make
    for running in made:
        running.stop()


@pytest.fixture
def incident_log() -> Path:
    path = ROOT / ".." / "shared" / "data" / "eventlogs" / "uci_incident_event_log.csv.gz"
    if not path.exists():
        pytest.skip("the incident log is not beside the project")
    return path


BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
FAULTY_DAYS = range(30, 36)

DESK_SYSTEM = {
    "title": {"en": "Desk", "zh": "服务台"},
    "sources": ["desk"],
    "case_rule": {"opened": {"first": {"activities": ["Created"]}}, "closed": {"last": {"activities": ["Closed"]}}},
    "steps": [{"name": "work", "phase": "during", "activities": ["Created", "Diagnosed", "Resolved", "Closed"]}],
    "measures": [
        {"name": "repeats", "rework": {"activities": ["Diagnosed"]}},
        {"name": "reworked", "flag": {"above": {"measure": "repeats", "limit": 0}}},
        {"name": "duration", "duration": {"from": {"opened": True}, "to": {"closed": True}}},
    ],
    "dimensions": [{"name": "team", "attribute": "team"}],
    "indicators": [
        {
            "name": "rework",
            "title": {"en": "Share of cases with rework", "zh": "返工占比"},
            "phase": "during",
            "measure": "reworked",
            "aggregate": "share",
            "direction": "lower_is_better",
            "target": {"value": 0.2, "worst": 0.6},
            "windows": ["day", "all"],
            "slices": [{"dimensions": ["team"]}],
            "chart": {"kind": "p", "rules": ["WE1"], "baseline_windows": 20},
            "owner": "team leads",
        },
        {
            "name": "lead_time",
            "title": {"en": "Mean lead time", "zh": "平均处理时长"},
            "phase": "during",
            "measure": "duration",
            "aggregate": "mean",
            "direction": "lower_is_better",
            "unit": "h",
            "target": {"value": 1.0, "worst": 2.0},
            "windows": ["day", "all"],
            "owner": "team leads",
        },
    ],
}


class Desk:
    """A small desk without chance: a tenth of the cases is redone, of team B six tenths on the faulty days."""

    begin = BEGIN
    faulty_days = FAULTY_DAYS

    def events(self, days: int = 52, cases_per_day: int = 60) -> list[Row]:
        cases = itertools.product(range(days), range(cases_per_day))
        return [event for day, number in cases for event in self._case(day, number)]

    def _case(self, day: int, number: int) -> list[Row]:
        case, team = f"C{day:03d}-{number:03d}", "AB"[number % 2]
        begun = BEGIN + timedelta(days=day, minutes=13 * number)
        # The number of reworked cases varies from day to day as a binomial one would.
        place = (number * 7 + day * 3 + day * day) % 10
        redone = place < (6 if team == "B" and day in FAULTY_DAYS else 1)
        steps = ["Created", "Diagnosed", *(["Diagnosed"] if redone else []), "Resolved", "Closed"]
        return [
            {
                "id": f"{case}-{step}",
                "case_id": case,
                "activity": activity,
                "time": begun + timedelta(minutes=10 * step),
                "team": team,
            }
            for step, activity in enumerate(steps)
        ]

    def arrow(self, events: Sequence[Row]) -> bytes:
        batch = pa.RecordBatch.from_pydict(
            {
                "id": pa.array([event["id"] for event in events]),
                "source": pa.array(["desk"] * len(events)),
                "case_id": pa.array([event["case_id"] for event in events]),
                "activity": pa.array([event["activity"] for event in events]),
                "time": pa.array([event["time"] for event in events], pa.timestamp("us", "UTC")),
                "attributes.team": pa.array([event["team"] for event in events]),
            }
        )
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue().to_pybytes())

    async def begin_scoring(self, suite: Suite) -> None:
        await apply_system(suite, parse_document(DESK_SYSTEM, indicator_system_pb2.IndicatorSystemSpec), "desk")

    async def write(
        self, suite: Suite, events: Sequence[Row], batch: int = 3000
    ) -> list[ingest_pb2.WriteEventsResponse]:
        answers = []
        for start in range(0, len(events), batch):
            body = event_pb2.EventBatch(arrow_ipc=self.arrow(events[start : start + batch]))
            answers.append(await suite.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=body)))
        return answers

    async def settled(self, suite: Suite, timeout_s: float = 150.0) -> None:
        """Scoring has folded what ingest holds, improvement has followed what scoring says."""
        newest = (await suite.ingest.GetWatchBounds(ingest_pb2.GetWatchBoundsRequest())).newest
        scored = scoring_pb2.ListScoresRequest(at_least=newest, page_size=1)
        await suite.scoring.ListScores(scored, timeout=timeout_s, wait_for_ready=True)
        through = (await suite.scoring.GetWatchBounds(scoring_pb2.GetWatchBoundsRequest())).newest
        followed = improvement_pb2.ListProblemsRequest(at_least=through)
        await suite.improvement.ListProblems(followed, timeout=timeout_s, wait_for_ready=True)


@pytest.fixture
def desk() -> Desk:
    return Desk()
