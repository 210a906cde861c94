"""The whole suite on one machine, with an embedded Postgres: `python -m services`."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Nothing has begun while the imports run: a Ctrl-C ends the process there and then, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.machine.home import DEFAULT, Home
from services.machine.machine import SUITE, Machine, NotStarted, Plan

SHARED = {"scoring": ", which share its work: a log begun here has as many partitions from then on"}


def _count(least: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return number

    return count


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the suite (default: %(default)s)")
    parser.add_argument("--dsn", default="", help="use this Postgres (its owner's address) instead of the embedded one")
    parser.add_argument("--tenant", action="append", dest="tenants", help="a tenant to serve; may be repeated")
    for service in SUITE:
        parser.add_argument(
            f"--{service.name}-replicas",
            type=_count(min(service.replicas, 1)),
            default=service.replicas,
            metavar="N",
            help=f"processes of {service.name} (default: %(default)s)" + SHARED.get(service.name, ""),
        )
    parser.add_argument("--otlp", default="", metavar="URL", help="send traces and metrics to this OTLP collector")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    plan = Plan(
        home=Home(arguments.home.resolve()),
        tenants=arguments.tenants or ("main",),
        replicas={service.name: getattr(arguments, f"{service.name}_replicas") for service in SUITE},
        dsn=arguments.dsn,
        otlp_endpoint=arguments.otlp,
    )
    with _until_stopped():
        async with Machine(plan, say=lambda line: print(f"  {line}", flush=True)):
            print(
                f"Andon serves. `andon status` shows how it is; logs are in {plan.home.folder / 'logs'}."
                " Ctrl-C stops it."
            )
            await asyncio.Event().wait()


@contextmanager
def _until_stopped() -> Iterator[None]:
    """A first signal breaks off what is inside, even a start that is under way; a second one changes nothing."""
    work, loop = asyncio.current_task(), asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop() -> None:
        if work is not None and not stopped.is_set():
            stopped.set()
            print("stopping", flush=True)
            work.cancel()

    for kind in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(kind, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise


def main() -> None:
    try:
        asyncio.run(_serve(_arguments()))
    except NotStarted as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
