"""What mapping, cleaning and de-identification cost per event, against events that are stored as they come (bare).

The same 12-column events in Arrow batches of 5,000, in turn to sources that treat them differently, over gRPC to a
durable log: processor time of the ingest process per event (aim: under 2 x the bare path). Then free text of 200
characters in both languages, never the same twice, one in four with an identifier: us per text (aim: under 30).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
from andon.ingest.v1 import ingest_pb2, record_pb2, source_pb2
from google.protobuf import json_format

from bench.ingest_load import BATCH_EVENTS, FIELDS, made_events, served
from services.ingest.privacy.engine import masked_texts
from services.machine.postgres import EmbeddedPostgres
from tests.services.ingest.privacy.planted import CHINESE_FILLERS, ENGLISH_FILLERS, Maker

TEXTS = 20_000
TEXT_CHARS = 200
TRIES = 3
PERSONS = 500
CATEGORIES = ("network", "hardware", "software", "account")
CHINESE_CLAUSES = (
    *CHINESE_FILLERS,
    "前台的服务态度还可以，就是办理入住等了半个小时。",
    "离地铁站走路大概十分钟，周围吃饭很方便。",
    "空调声音大，晚上睡不好，希望以后能改进。",
    "总的来说性价比不错，下次出差还会选择这里。",
    "系统升级之后页面打开很慢，刷新几次才能看到结果。",
)
ENGLISH_CLAUSES = (
    *ENGLISH_FILLERS,
    "The staff at the desk were friendly but the check-in took half an hour.",
    "After the last update the page loads slowly and has to be refreshed.",
    "I would come back for the location, not for the price.",
    "The driver could not find the entrance and left without a note.",
)
KEPT = ("case_id", "activity", "resource", "attributes.priority", "attributes.category", "attributes.contact_email")
KEEPING = {"policies": [{"field": field, "treatment": "TREATMENT_KEEP"} for field in KEPT]}
CLEANING = {
    "cleaning": {
        "normalise_keys": True,
        "placeholders": [{"value": "?"}, {"field": "attributes.category", "value": "n/a"}],
        "categories": [{"field": "attributes.category", "values": list(CATEGORIES)}],
        "units": [{"field": "attributes.cost", "low": 0.0, "high": 1e9}],
        "early_times": True,
        "time_orders": [{"earlier": "time", "later": "attributes.due"}],
    }
}
MAPPING = {
    "mapping": {
        **{name: {"column": name} for name in ("id", "case_id", "activity", "time", "resource")},
        "attributes": {
            **{name: {"type": "ATTRIBUTE_TYPE_TEXT"} for name in ("priority", "category", "contact_email")},
            "cost": {"type": "ATTRIBUTE_TYPE_NUMBER"},
            "reopened": {"type": "ATTRIBUTE_TYPE_INTEGER"},
            "due": {"type": "ATTRIBUTE_TYPE_TIME"},
        },
    }
}
# What each source does, and whether it gets records.
SOURCES: dict[str, tuple[dict[str, Any], bool]] = {
    "bare": (KEEPING, False),
    "cleaned": ({**KEEPING, **CLEANING}, False),
    "de-identified": ({}, False),
    "mapped": ({**KEEPING, **MAPPING}, True),
    "all three": ({**CLEANING, **MAPPING}, True),
}


def structured(first: int) -> pa.Table:
    """made_events, with a category in several spellings, a mail address and a time more."""
    table = made_events(first).table
    numbers = range(first, first + BATCH_EVENTS)
    spellings = [text for one in CATEGORIES for text in (one, one.upper(), f" {one}")] + ["N/A"]
    table = table.append_column("category", pa.array([spellings[number % len(spellings)] for number in numbers]))
    table = table.append_column(
        "contact_email", pa.array([f"user{number // 20 % PERSONS}@mail.example.org" for number in numbers])
    )
    return table.append_column("due", table["time"])


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


async def write(client: Any, source: str, first: int) -> None:
    _, as_records = SOURCES[source]
    name = source.replace(" ", "-")
    table = structured(first)
    if as_records:
        records = record_pb2.RawRecords(arrow_ipc=stream(table.drop_columns(["source"])))
        sent = record_pb2.WriteRecordsRequest(source=f"sources/{name}", records=records)
        accepted = (await client.WriteRecords(sent)).events.accepted
    else:
        place = table.column_names.index("source")
        table = table.set_column(place, "source", pa.array([name] * len(table)).dictionary_encode())
        table = table.rename_columns([one if one in FIELDS else f"attributes.{one}" for one in table.column_names])
        request = ingest_pb2.WriteEventsRequest()
        request.batch.arrow_ipc = stream(table)
        accepted = (await client.WriteEvents(request)).accepted
    if accepted != BATCH_EVENTS:
        raise SystemExit(f"only {accepted} events of {source} were accepted")


async def compare(folder: Path, rounds: int) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    await postgres.start()
    try:
        async with served(folder / "ingest", postgres) as service:
            client, process = await service.client("bench"), psutil.Process(service.pid)
            for source, (document, _) in SOURCES.items():
                spec = json_format.ParseDict(document, source_pb2.Source())
                request = ingest_pb2.CreateSourceRequest(source_id=source.replace(" ", "-"), source=spec)
                await client.CreateSource(request)
                # The first batches meet every person for the first time.
                for number in (0, 1):
                    await write(client, source, number * BATCH_EVENTS)
            spent = dict.fromkeys(SOURCES, 0.0)
            for number in range(2, rounds + 2):
                # In turn, so that what the machine does meanwhile hits all of them alike.
                for source in SOURCES:
                    before = sum(process.cpu_times()[:2])
                    await write(client, source, number * BATCH_EVENTS)
                    spent[source] += sum(process.cpu_times()[:2]) - before
    finally:
        await postgres.stop()
    for source, total_s in spent.items():
        each_us = total_s / rounds / BATCH_EVENTS * 1e6
        print(f"{source:<24}{each_us:>8.2f} us per event {total_s / spent['bare']:>8.2f} x bare", flush=True)


def made_texts(chinese: bool) -> list[str]:
    """Of 200 characters or a few more, all different; one in four names a person's number, address or account."""
    dice, maker = random.Random(7), Maker(7)
    clauses, gap = (CHINESE_CLAUSES, "") if chinese else (ENGLISH_CLAUSES, " ")
    kinds = ("email", "phone", "card", "name", "address", "account")
    texts: dict[str, None] = {}
    for number in itertools.count():
        pieces = []
        if number % 4 == 0:
            pieces.append(maker.text(kinds[number // 4 % len(kinds)], chinese).text)
        while sum(map(len, pieces)) < TEXT_CHARS:
            pieces.append(dice.choice(clauses))
        dice.shuffle(pieces)
        texts[gap.join(pieces)[: TEXT_CHARS + 20]] = None
        if len(texts) == TEXTS:
            break
    return list(texts)


def text_us(texts: Sequence[str]) -> float:
    """The least of some tries, of the processor's time."""
    column, best = pa.array(texts), float("inf")
    for _ in range(TRIES):
        begun = time.process_time()
        masked_texts(column)
        best = min(best, time.process_time() - begun)
    return best / len(texts) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="batches of 5,000 events to each source")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        asyncio.run(compare(Path(name), arguments.rounds))
    for chinese, language in ((False, "English"), (True, "Chinese")):
        print(f"free text, {language:<13}{text_us(made_texts(chinese)):>8.1f} us per text of {TEXT_CHARS}", flush=True)


if __name__ == "__main__":
    main()
