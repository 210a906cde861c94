"""`make run`: the suite, a service desk through its public API, and the report. Serves on until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import csv
import gzip
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from andon.scoring.v1 import indicator_system_pb2
from andon_client.commands.system import apply_system
from andon_client.connection import load_connection
from andon_client.documents import load_document
from andon_client.loading import Batch, load, read_batches, register_source
from andon_client.mapping import CsvMapping, load_mapping
from andon_client.suite import Suite
from rich.console import Console

from demo import page, terminal
from demo.desk import FAULTS, SOURCE, Desk, Fault, simulate
from demo.findings import gather, reached
from demo.judging import judge, promise
from demo.live import Live
from demo.play import batches
from demo.report import build
from demo.texts import Say, texts
from services.machine.home import DEFAULT, Home
from services.machine.machine import Machine, NotStarted, Plan

WIDTH = 140
EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Job:
    """What is played: a process, its indicator system, where its events come from, and what is wrong with them."""

    process: str
    system: Path
    mapping: CsvMapping
    batches: Iterator[Batch]
    total: int
    begin: datetime
    faults: Sequence[Fault] = ()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--log", type=Path, help="a CSV event log (.gz too) instead of the simulated desk")
    parser.add_argument("--mapping", type=Path, help="how its columns become events; default: the example that fits")
    parser.add_argument("--system", type=Path, help="indicator system; default: the one beside the mapping")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the suite (default: %(default)s)")
    parser.add_argument("--report", type=Path, default=Path("report.html"), help="where the page is written")
    parser.add_argument("--locale", default=os.environ.get("ANDON_LOCALE", "en"), help="language: en or zh")
    parser.add_argument("--once", action="store_true", help="end after the report")
    return parser.parse_args()


def _desk_job(desk: Desk) -> Job:
    events = simulate(desk)
    mapping = load_mapping(EXAMPLES / "service-desk.mapping.yaml")
    system = EXAMPLES / "service-desk.system.yaml"
    return Job(SOURCE, system, mapping, batches(events), len(events), desk.start, FAULTS)


def _log_job(log: Path, mapping_file: Path | None, system: Path | None) -> Job:
    mapping_file = mapping_file or _mapping_that_fits(log)
    mapping = load_mapping(mapping_file)
    system = system or mapping_file.with_name(mapping_file.name.replace(".mapping.", ".system."))
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return Job(mapping.source, system, mapping, read_batches(log, mapping), log.stat().st_size, begin)


def _mapping_that_fits(log: Path) -> Path:
    """The example whose columns the file has."""
    opener = gzip.open if log.suffix == ".gz" else open
    with opener(log, "rt", encoding="utf-8", newline="") as file:
        header = set(next(csv.reader(file), []))
    for path in sorted(EXAMPLES.glob("*.mapping.yaml")):
        if set(load_mapping(path).columns()) <= header:
            return path
    raise SystemExit(f"no example mapping fits the columns of {log}: write one and name it by MAPPING=")


async def _play(suite: Suite, job: Job, console: Console, say: Say) -> None:
    spec = load_document(job.system, indicator_system_pb2.IndicatorSystemSpec)
    await apply_system(suite, spec, job.process)
    await register_source(suite.ingest, job.mapping)
    async with Live(suite, job.total, console, say) as live:
        report = await load(suite.ingest, job.batches, live.on_written, live.on_break)
        live.loaded()
        await reached(suite)
    counts = {name: f"{getattr(report, name):,}" for name in ("received", "accepted", "duplicate", "quarantined")}
    console.print(say("balance", **counts, seconds=live.elapsed_s))
    for name, count in report.unparsed.items():
        console.print(f"  {say('unparsed', count=f'{count:,}', name=name)}")
    for reason, count in report.by_reason.most_common():
        console.print(f"  {say('refused', count=f'{count:,}', reason=reason)}")


async def _report(suite: Suite, job: Job, path: Path, locale: str, console: Console, say: Say) -> None:
    findings = await gather(suite, job.process, locale)
    faults = judge(job.faults, job.begin, findings.signals, findings.problems)
    kept = promise(job.faults, job.begin, findings.charts)
    report = build(findings, faults, kept, say, locale)
    terminal.show(report, say, console)
    page.write(path, report, say, datetime.now(UTC))
    console.print(f"\n{say('report_written', path=path)}")


async def _run(arguments: argparse.Namespace, console: Console) -> None:
    stop, say = asyncio.Event(), texts(arguments.locale)
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    work = asyncio.create_task(_work(arguments, console, say, stop))
    interrupted = asyncio.create_task(stop.wait())
    await asyncio.wait({work, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    interrupted.cancel()
    if not work.done() and not stop.is_set():
        await work
    if stop.is_set():
        console.print(say("stopping"))
    with suppress(asyncio.CancelledError):
        if stop.is_set() and not work.done():
            work.cancel()
        await work


async def _work(arguments: argparse.Namespace, console: Console, say: Say, stop: asyncio.Event) -> None:
    home = Home(arguments.home.resolve())
    async with Machine(Plan(home), say=lambda line: console.print(f"  {line}")):
        if arguments.log:
            job = _log_job(arguments.log, arguments.mapping, arguments.system)
        else:
            console.print(f"  {say('simulating')}")
            job = await asyncio.to_thread(_desk_job, Desk())
        async with Suite(load_connection(home.folder, arguments.locale)) as suite:
            await _play(suite, job, console, say)
            await _report(suite, job, arguments.report, arguments.locale, console, say)
        if not arguments.once and sys.stdin.isatty():
            console.print(say("serving_on"))
            await stop.wait()


if __name__ == "__main__":
    screen = Console()
    try:
        # Without a terminal the width is a guess: tables need room.
        asyncio.run(_run(_arguments(), screen if screen.is_terminal else Console(width=WIDTH)))
    except NotStarted as error:
        raise SystemExit(str(error)) from None
