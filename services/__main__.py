"""The whole suite on one machine, with an embedded Postgres: `python -m services`."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from services.machine.home import DEFAULT, Home
from services.machine.machine import Machine, Plan


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the suite (default: %(default)s)")
    parser.add_argument("--dsn", default="", help="use this Postgres (its owner's address) instead of the embedded one")
    parser.add_argument("--tenant", action="append", dest="tenants", help="a tenant to serve; may be repeated")
    parser.add_argument("--scoring-replicas", type=int, default=1, help="processes that share the scoring work")
    parser.add_argument("--otlp", default="", metavar="URL", help="send traces and metrics to this OTLP collector")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    plan = Plan(
        home=Home(arguments.home.resolve()),
        tenants=arguments.tenants or ("main",),
        replicas={"scoring": arguments.scoring_replicas},
        dsn=arguments.dsn,
        otlp_endpoint=arguments.otlp,
    )
    async with Machine(plan, say=lambda line: print(f"  {line}", flush=True)):
        print(
            f"Andon serves. `andon status` shows how it is; logs are in {plan.home.folder / 'logs'}. Ctrl-C stops it."
        )
        await stop.wait()
        print("stopping", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
