"""File readers in rows per second, and against pyarrow's reader of the same file where it has one (aim: 0.5 x or more).

The log is made here: 120,000 rows of 12 columns. Counting is the pass that looks a file through before its first row
is sent; reading is the pass that gives its rows as columns, which is what the other reader does.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from andon_records.files.readers import inspect_or_propose, records_of
from andon_records.files.standard_mapping import SourceChoice
from andon_records.mapping.document import CsvMapping, parse_mapping
from andon_records.writers.event_spool import EventSpool
from andon_records.writers.ocel_logs import write_ocel_json
from andon_records.writers.xes_log import write_xes

ROWS = 120_000
TRIES = 2
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = ("category", "team", "priority", "channel", "site", "note")


def made_rows() -> list[dict[str, Any]]:
    return [
        {
            **{
                "id": f"e{number}",
                "case_id": f"INC{number // 6:07d}",
                "activity": ("Open", "Work", "Close")[number % 3],
            },
            **{"time": BEGIN + timedelta(seconds=37 * number), "cost": number / 7, "count": number % 9},
            **{name: f"{name} {number % (11 + place)}" for place, name in enumerate(TEXTS)},
        }
        for number in range(ROWS)
    ]


def mapping() -> CsvMapping:
    types = {**dict.fromkeys(TEXTS, "text"), "cost": "number", "count": "integer"}
    fields = {name: name for name in ("id", "case_id", "activity", "time")}
    return parse_mapping({"source": "bench", **fields, "attributes": types})


def write_files(folder: Path) -> None:
    rows = made_rows()
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, folder / "log.parquet")
    plain = [{**row, "time": row["time"].isoformat()} for row in rows]
    with (folder / "log.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(plain[0]))
        writer.writeheader()
        writer.writerows(plain)
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, plain)), encoding="utf-8")
    (folder / "log.json").write_text(json.dumps({"records": plain}), encoding="utf-8")
    own = {name: table[name] for name in ("id", "case_id", "activity")}
    columns = {f"attributes.{name}": table[name] for name in (*TEXTS, "cost", "count")}
    events = pa.table({**own, "time": table["time"].cast(pa.timestamp("us", "UTC")), **columns})
    with EventSpool(4) as spool:
        for batch in events.to_batches(5_000):
            spool.add(batch)
        spool.flush()
        with (folder / "log.xes").open("wb") as file_of_log:
            write_xes(spool, file_of_log)
        with (folder / "log.jsonocel").open("wb") as file_of_log:
            write_ocel_json(spool, file_of_log, "case")


def rows_per_s(read: Callable[[], Iterator[int]]) -> float:
    """The best of some tries, in time of this process's own."""
    best = 0.0
    for _ in range(TRIES):
        begun = time.process_time()
        rows = sum(read())
        assert rows == ROWS
        best = max(best, rows / (time.process_time() - begun))
    return best


def by_pyarrow(path: Path) -> Callable[[], Iterator[int]] | None:
    """pyarrow's own reader, on one thread as ours is."""
    match path.suffix:
        case ".csv":
            options = pyarrow.csv.ReadOptions(use_threads=False)
            return lambda: (batch.num_rows for batch in pyarrow.csv.open_csv(path, options))
        case ".parquet":
            return lambda: (batch.num_rows for batch in pq.ParquetFile(path).iter_batches(use_threads=False))
        case ".jsonl":
            reading = pyarrow.json.ReadOptions(use_threads=False)
            return lambda: iter([pyarrow.json.read_json(path, reading).num_rows])
        case _:
            return None


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder))
        print(f"{'':<14}{'counting':>12}{'reading':>14}{'pyarrow':>14}   rows/s of {ROWS:,}")
        for name in ("log.csv", "log.jsonl", "log.json", "log.parquet", "log.xes", "log.jsonocel"):
            path = Path(folder) / name
            given = mapping() if path.suffix in (".csv", ".jsonl", ".json", ".parquet") else None
            begun = time.process_time()
            file, rules, _ = inspect_or_propose(path, given, SourceChoice())
            counting = ROWS / (time.process_time() - begun)

            def read() -> Iterator[int]:
                return (batch.num_rows for batch, _ in records_of(file, rules))  # noqa: B023

            reading = rows_per_s(read)
            theirs = by_pyarrow(path)
            other = rows_per_s(theirs) if theirs is not None else None
            shown = f"{other:>14,.0f}   {reading / other:4.2f} x" if other else f"{'-':>14}"
            print(f"{name:<14}{counting:>12,.0f}{reading:>14,.0f}{shown}", flush=True)


if __name__ == "__main__":
    main()
