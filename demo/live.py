"""What a person sees while events stream in: how far, how fast, and the alarms and problems as they come."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

import grpc
from andon.improvement.v1 import improvement_pb2
from andon.scoring.v1 import score_pb2, scoring_pb2
from andon_client.follow import follow
from andon_client.load_report import LoadReport
from andon_client.suite import Suite
from andon_records.batches import Batch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from demo.report_texts import Say


class Live:
    """Shows the progress of the load with signals and problems as they appear."""

    def __init__(self, suite: Suite, total: int, console: Console, say: Say) -> None:
        self._suite = suite
        self._say = say
        self._standing: set[str] = set()
        self._problems: set[str] = set()
        self._begun = time.monotonic()
        self.elapsed_s = 0.0
        # Of the log, those that are durable.
        self.rows = 0
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[events]}  {task.fields[found]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._bar = self._progress.add_task(say("loading"), total=total, events="", found="")

    async def __aenter__(self) -> Live:
        self._progress.start()
        self._tasks = [asyncio.create_task(self._signals()), asyncio.create_task(self._open_problems())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.elapsed_s = time.monotonic() - self._begun
        self._progress.stop()

    def on_written(self, batch: Batch, report: LoadReport) -> None:
        self.rows = batch.last_row
        self._progress.update(
            self._bar, completed=batch.last_row, events=self._say("events", count=f"{report.received:,}")
        )

    def on_break(self, error: grpc.aio.AioRpcError) -> None:
        self._progress.console.print(self._say("connection_lost", reason=error.code().name))

    def loaded(self) -> None:
        self._progress.update(self._bar, description=self._say("scoring"))

    async def _signals(self) -> None:
        request = scoring_pb2.WatchSignalsRequest
        async for response in follow(lambda after: self._suite.scoring.WatchSignals(request(after=after))):
            for signal in response.signals:
                keep = self._standing.add if signal.state == score_pb2.Signal.STATE_ACTIVE else self._standing.discard
                keep(signal.name)
            self._show()

    async def _open_problems(self) -> None:
        request = improvement_pb2.WatchProblemsRequest
        async for response in follow(lambda after: self._suite.improvement.WatchProblems(request(after=after))):
            self._problems |= {problem.name for problem in response.problems}
            self._show()

    def _show(self) -> None:
        found = self._say("so_far", signals=len(self._standing), problems=len(self._problems))
        self._progress.update(self._bar, found=found)
