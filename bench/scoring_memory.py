"""What a partition with very many closed cases holds in memory and writes as a snapshot; cases at rest away, or not."""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from andon.scoring.v1 import indicator_system_pb2 as pb
from andon_client.documents import load_document

from bench.scoring import DAY, NAME, SYSTEM, decoded, encoded, simulated
from services.scoring.fold.cases import CaseFold
from services.scoring.fold.step import DecodedPage
from services.scoring.system.model import IndicatorSystem
from services.scoring.wire.systems import spec_of

PAGES_PER_STEP = 20
SNAPSHOT_EVENTS = 200_000
PAGE_BYTES = 4_096


def resident_bytes() -> int:
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def folded(system: IndicatorSystem, pages: list[bytes], memory_days: int) -> dict[str, Any]:
    """A replay; every so many events cases at rest leave, as with a replica's snapshots. memory_days 0: all stay."""
    before, fold = resident_bytes(), CaseFold(system)
    page_bytes = events = 0
    fold_s = release_s = 0.0
    for start in range(0, len(pages), PAGES_PER_STEP):
        some = pages[start : start + PAGES_PER_STEP]
        step = [DecodedPage(decoded(page), 0, start + place) for place, page in enumerate(some)]
        began_s = time.process_time()
        fold.fold(step)
        fold_s += time.process_time() - began_s
        events += sum(len(page.events) for page in step)
        if memory_days and events >= SNAPSHOT_EVENTS:
            began_s, events = time.process_time(), 0
            page_bytes += sum(len(page.content) for page in fold.evict(fold.idle_cases(memory_days * DAY)))
            fold.evicted.change()
            release_s += time.process_time() - began_s
    del step
    resident = resident_bytes() - before
    began_s = time.process_time()
    snapshot = fold.snapshot()
    return {
        "cases_in_memory": len(fold.state.case_ids),
        "cases_at_rest": len(fold.evicted),
        "resident_bytes": resident,
        "snapshot_s": round(time.process_time() - began_s, 3),
        "snapshot_bytes": len(snapshot),
        "fold_s": round(fold_s, 1),
        "release_s": round(release_s, 1),
        "page_bytes": page_bytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--memory-days", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    system = IndicatorSystem(NAME, 1, spec_of(load_document(SYSTEM, pb.IndicatorSystemSpec)))
    log = simulated(given.cases)
    pages, size = encoded(log), len(log)
    del log
    # The frugal one first: what the other leaves behind in the allocator would be counted as its own.
    figures = {"idle_cases": folded(system, pages, given.memory_days), "all_stay": folded(system, pages, 0)}
    if given.json:
        print(json.dumps({"events": size, "cases": given.cases, **figures}))
        return
    print(f"scoring memory: {size:,} events, {given.cases:,} cases over 60 days, one partition")
    for name, title in (
        ("all_stay", "every case stays"),
        ("idle_cases", f"cases leave after {given.memory_days} days"),
    ):
        print(f"  {title}")
        for figure, value in figures[name].items():
            print(f"    {figure:<26}{value:>16,}")


if __name__ == "__main__":
    main()
