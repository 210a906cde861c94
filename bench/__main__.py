"""All benches one after another, or those that are named: `python -m bench [ingest scoring latency ...]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

SUITE = (
    "ingest",
    "ingest_growth",
    "ingest_delay",
    "adapters",
    "sensors",
    "scoring",
    "scoring_step",
    "scoring_memory",
    "latency",
    "growth",
    "growth_improvement",
    "files",
    "privacy",
)


def _names() -> list[str]:
    quality = sorted(path.stem for path in Path(__file__).parent.glob("quality_*.py"))
    return [*SUITE, *quality]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_names())}; default: all of them")
    names = parser.parse_args().names or _names()
    if unknown := sorted(set(names) - set(_names())):
        parser.error(f"unknown: {', '.join(unknown)}")
    failed = []
    for name in names:
        print(f"\n== {name}", flush=True)
        begun = time.monotonic()
        # Each in a process of its own: one bench's memory and threads must not slow the next.
        status = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
        print(f"   {time.monotonic() - begun:.0f} s", flush=True)
        failed += [name] if status else []
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
