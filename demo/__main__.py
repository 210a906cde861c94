"""`make run`: the services, a simulated service desk through the public API, and the report. Runs until Ctrl-C."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Nothing has begun while the imports run: a Ctrl-C ends the process there and then, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import grpc
from andon.scoring.v1 import indicator_system_pb2
from andon_client.commands.system import apply_system
from andon_client.connection import load_connection
from andon_client.documents import load_document
from andon_client.load_messages import message
from andon_client.load_report import LoadReport, said
from andon_client.loading import load, register_source
from andon_client.suite import Suite
from andon_client.terminal import describe
from andon_records.messages import MalformedDocument, Message, NothingReadable
from rich.console import Console

from demo import page, terminal
from demo.detection import false_alarms, judge
from demo.jobs import Job, desk_job, log_job
from demo.live import Live
from demo.report import build
from demo.report_texts import Say, texts
from demo.results import gather, reached
from demo.simulation import ServiceDesk
from services.machine.home import DEFAULT, Home
from services.machine.machine import Machine, NotStarted, Plan

WIDTH = 140
INTERRUPTED = 130


class Interrupted(Exception):
    """The load was stopped by its user; `what` says how far it came and how to go on."""

    def __init__(self, what: Message) -> None:
        super().__init__(what.text())
        self.what = what


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


async def _play(suite: Suite, job: Job, locale: str, console: Console, say: Say) -> LoadReport:
    """Loads, and waits until everything is scored. Raises NothingReadable where no row was accepted."""
    spec = load_document(job.system, indicator_system_pb2.IndicatorSystemSpec)
    await apply_system(suite, spec, job.process)
    await register_source(suite.ingest, job.mapping)
    async with Live(suite, job.total, console, say) as live:
        try:
            report = await load(suite.ingest, job.batches, live.on_written, live.on_break)
            live.loaded()
            if report.accepted or report.duplicate:
                await reached(suite)
        except asyncio.CancelledError:
            raise Interrupted(message("run_interrupted", safe=live.rows, rows=job.total)) from None
    for line, markup in said(report, job.mapping, locale):
        console.print(line, markup=markup, soft_wrap=True)
    if not (report.accepted or report.duplicate):
        if not report.refused:
            raise NothingReadable(message("all_omitted", rows=report.rows))
        raise NothingReadable(message("nothing_accepted", rows=report.rows, first=report.first_refusal()))
    console.print(say("scored_in", seconds=live.elapsed_s))
    return report


async def _report(
    suite: Suite, job: Job, loaded: LoadReport, path: Path, locale: str, console: Console, say: Say
) -> None:
    findings = await gather(suite, job.process, locale)
    faults = judge(job.faults, job.begin, findings.signals, findings.problems)
    alarms = false_alarms(job.faults, job.begin, findings.charts)
    report = build(findings, loaded, faults, alarms, say, locale)
    terminal.show(report, say, console)
    page.write(path, report, say, datetime.now(UTC))
    console.print(f"\n{say('report_written', path=path)}")


async def _run(arguments: argparse.Namespace, console: Console) -> Message | None:
    """What is to be said of rows that were refused; None: there are none. Raises Interrupted before the report."""
    stop, reported, say = asyncio.Event(), asyncio.Event(), texts(arguments.locale)
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    work = asyncio.create_task(_work(arguments, console, say, stop, reported))
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
        return await work
    if not reported.is_set():
        raise Interrupted(message("run_interrupted_early"))
    return None


async def _work(
    arguments: argparse.Namespace, console: Console, say: Say, stop: asyncio.Event, reported: asyncio.Event
) -> Message | None:
    """reported: set when the report is written, after which there is nothing to lose."""
    home = Home(arguments.home.resolve())
    job = None
    if arguments.log:
        job = await asyncio.to_thread(log_job, arguments.log, arguments.mapping, arguments.system)
        for guess in job.guesses:
            console.print(f"  {guess.text(arguments.locale)}", markup=False, soft_wrap=True)
    async with Machine(Plan(home), say=lambda line: console.print(f"  {line}")):
        if job is None:
            console.print(f"  {say('simulating')}")
            job = await asyncio.to_thread(desk_job, ServiceDesk())
        async with Suite(load_connection(home.folder, arguments.locale)) as suite:
            loaded = await _play(suite, job, arguments.locale, console, say)
            await _report(suite, job, loaded, arguments.report, arguments.locale, console, say)
        reported.set()
        if not arguments.once and sys.stdin.isatty():
            console.print(say("serving_on"))
            await stop.wait()
    if not loaded.refused:
        return None
    return message("some_refused", refused=loaded.refused, rows=loaded.rows, first=loaded.first_refusal())


def main() -> int:
    """0, or 2 and one line where the log, its mapping or its system is wrong or rows were refused, 1 and one line where
    something fails, 130 and one line where the load was interrupted.
    """
    arguments, screen = _arguments(), Console()
    try:
        # Without a terminal the width is a guess: tables need room.
        refused = asyncio.run(_run(arguments, screen if screen.is_terminal else Console(width=WIDTH)))
    except MalformedDocument as error:
        print(error.text(arguments.locale), file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        print(interrupted.what.text(arguments.locale), file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
        return 2
    except grpc.aio.AioRpcError as error:
        print(describe(error), file=sys.stderr)
        return 1
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    if refused is not None:
        print(refused.text(arguments.locale), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
