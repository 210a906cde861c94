"""`make run`: the services, a simulated service desk through the public API, and the report. Runs until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

import grpc
from andon.scoring.v1 import indicator_system_pb2
from andon_client.commands.system import apply_system
from andon_client.connection import load_connection
from andon_client.documents import load_document
from andon_client.load_messages import message
from andon_client.load_report import said
from andon_client.loading import load, register_source
from andon_client.suite import Suite
from andon_client.terminal import describe
from andon_records.batches import Batch, batches_of
from andon_records.files.csv_layout import has_columns
from andon_records.files.readers import inspect
from andon_records.mapping.document import CsvMapping, load_mapping
from andon_records.messages import LoadError, MalformedDocument, Message, NothingReadable
from rich.console import Console

from demo import page, terminal
from demo.batches import batches
from demo.detection import false_alarms, judge
from demo.live import Live
from demo.report import build
from demo.report_texts import Say, texts
from demo.results import gather, reached
from demo.simulation import FAULTS, SOURCE, PlantedFault, ServiceDesk, simulate
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
    faults: Sequence[PlantedFault] = ()
    guesses: Sequence[Message] = ()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--log", type=Path, help="a CSV event log (.gz too) instead of the simulated desk")
    parser.add_argument("--mapping", type=Path, help="how its columns become events; default: the example that fits")
    parser.add_argument("--system", type=Path, help="indicator system; default: the one next to the mapping")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the suite (default: %(default)s)")
    parser.add_argument("--report", type=Path, default=Path("report.html"), help="where the page is written")
    parser.add_argument("--locale", default=os.environ.get("ANDON_LOCALE", "en"), help="language: en or zh")
    parser.add_argument("--once", action="store_true", help="end after the report")
    return parser.parse_args()


def _desk_job(desk: ServiceDesk) -> Job:
    events = simulate(desk)
    mapping = load_mapping(EXAMPLES / "service-desk.mapping.yaml")
    system = EXAMPLES / "service-desk.system.yaml"
    return Job(SOURCE, system, mapping, batches(events), len(events), desk.start, FAULTS)


def _log_job(log: Path, mapping_file: Path | None, system: Path | None) -> Job:
    """Reads the log through, so that what is wrong with it is said before the suite starts."""
    mapping_file = mapping_file or mapping_that_fits(log)
    mapping = load_mapping(mapping_file)
    system = system or mapping_file.with_name(mapping_file.name.replace(".mapping.", ".system."))
    load_document(system, indicator_system_pb2.IndicatorSystemSpec)
    layout = inspect(log, mapping)
    rest = batches_of(layout, mapping)
    first = list(islice(rest, 1))
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return Job(mapping.source, system, mapping, chain(first, rest), layout.records, begin, guesses=layout.guesses)


def mapping_that_fits(log: Path) -> Path:
    """The example whose columns the file has; of several the one that reads most of them."""
    examples = [(load_mapping(path), path) for path in sorted(EXAMPLES.glob("*.mapping.yaml"))]
    fitting = [(len(mapping.columns()), path) for mapping, path in examples if has_columns(log, mapping)]
    if not fitting:
        raise LoadError(message("no_example_fits", file=log.name))
    return max(fitting)[1]


async def _play(suite: Suite, job: Job, locale: str, console: Console, say: Say) -> None:
    spec = load_document(job.system, indicator_system_pb2.IndicatorSystemSpec)
    await apply_system(suite, spec, job.process)
    await register_source(suite.ingest, job.mapping)
    async with Live(suite, job.total, console, say) as live:
        report = await load(suite.ingest, job.batches, live.on_written, live.on_break)
        live.loaded()
        if report.accepted or report.duplicate:
            await reached(suite)
    for line, markup in said(report, job.mapping, locale):
        console.print(line, markup=markup, soft_wrap=True)
    if not (report.accepted or report.duplicate):
        raise NothingReadable(message("nothing_accepted", rows=report.rows))
    console.print(say("scored_in", seconds=live.elapsed_s))


async def _report(suite: Suite, job: Job, path: Path, locale: str, console: Console, say: Say) -> None:
    findings = await gather(suite, job.process, locale)
    faults = judge(job.faults, job.begin, findings.signals, findings.problems)
    alarms = false_alarms(job.faults, job.begin, findings.charts)
    report = build(findings, faults, alarms, say, locale)
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
    log_job = None
    if arguments.log:
        log_job = await asyncio.to_thread(_log_job, arguments.log, arguments.mapping, arguments.system)
        for guess in log_job.guesses:
            console.print(f"  {guess.text(arguments.locale)}", markup=False, soft_wrap=True)
    async with Machine(Plan(home), say=lambda line: console.print(f"  {line}")):
        if log_job is None:
            console.print(f"  {say('simulating')}")
            job = await asyncio.to_thread(_desk_job, ServiceDesk())
        else:
            job = log_job
        async with Suite(load_connection(home.folder, arguments.locale)) as suite:
            await _play(suite, job, arguments.locale, console, say)
            await _report(suite, job, arguments.report, arguments.locale, console, say)
        if not arguments.once and sys.stdin.isatty():
            console.print(say("serving_on"))
            await stop.wait()


def main() -> int:
    """0, or 2 and one line where the log, its mapping or its system is wrong, 1 and one line where something fails."""
    arguments, screen = _arguments(), Console()
    try:
        # Without a terminal the width is a guess: tables need room.
        asyncio.run(_run(arguments, screen if screen.is_terminal else Console(width=WIDTH)))
    except MalformedDocument as error:
        print(error.text(arguments.locale), file=sys.stderr)
        return 2
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except grpc.aio.AioRpcError as error:
        print(describe(error), file=sys.stderr)
        return 1
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
