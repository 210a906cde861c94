"""Coverage-guided fuzzing of what reads bytes of others: files, mappings, batches, records, bodies over HTTP.

    python -m tests.fuzzing [TARGET ...] [--seconds N]     all targets unless named; `make fuzz TARGET="csv xes"`

A target takes any bytes and either reads them or refuses them in its own words. What else happens is a finding: another
exception, more than 20 seconds, more than 2 GiB. Inputs of findings and the corpus that a run has found are in
.andon/fuzz, where the next run goes on. atheris (libFuzzer) guides it by coverage; only `make fuzz` installs it.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / ".andon" / "fuzz"
SECONDS, INPUT_SECONDS_MAX, MEMORY_MIB_MAX, INPUT_BYTES_MAX = 600, 20, 2048, 1 << 14
MAPPING = {
    "source": "fuzz",
    "id": "{case}/{ordinal}",
    "case_id": "case",
    "activity": "step",
    "time": "at",
    "time_formats": ["iso", "%d/%m/%Y %H:%M", "epoch_ms", "epoch_s", "excel"],
    "time_zone": "Europe/Berlin",
    "attributes": {"cost": "number", "seats": "integer", "ok": "flag", "due": "time", "note": "text"},
}
ROW = {"case": "A", "step": "Open", "at": "2026-03-02T09:00:00Z", "cost": "1.5", "seats": "3", "ok": "yes", "due": ""}
COLUMNS = [*ROW, "note"]

Read = Callable[[bytes], None]


class Finding(Exception):
    """What was read is not what is promised."""


@dataclass(frozen=True)
class Target:
    """prepare: imports what is fuzzed, instrumented by then, and gives the reader. seeds: inputs to begin with."""

    prepare: Callable[[], Read]
    seeds: Callable[[], Sequence[bytes]]


def _file(name: str, mapped: bool = True) -> Callable[[], Read]:
    """Every record of a file of this name, with the mapping or as the format itself says."""

    def prepare() -> Read:
        from andon_records.batches import batches_of
        from andon_records.files.readers import inspect_or_propose
        from andon_records.files.standard_mapping import SourceChoice
        from andon_records.mapping.document import parse_mapping
        from andon_records.messages import LoadError

        mapping = parse_mapping(MAPPING) if mapped else None
        path = Path(tempfile.mkdtemp(prefix="andon-fuzz-")) / name

        def read(data: bytes) -> None:
            path.write_bytes(data)
            try:
                file, rules, said = inspect_or_propose(path, mapping, SourceChoice())
                rows = sum(batch.rows for batch in batches_of(file, rules))
            except LoadError as error:
                if "\n" in error.text("en") + error.text("zh"):
                    raise Finding("an error of a file is one line") from error
                return
            for one in said:
                one.text("zh")
            if rows != file.records:
                raise Finding(f"{rows} rows of {file.records} are answered for")

        return read

    return prepare


def _proposal() -> Read:
    from andon_records.files.proposal import propose
    from andon_records.files.standard_mapping import SourceChoice
    from andon_records.messages import LoadError

    path = Path(tempfile.mkdtemp(prefix="andon-fuzz-")) / "log.csv"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        try:
            propose(path, SourceChoice())
        except LoadError:
            return

    return read


def _worksheet() -> Read:
    """The XML within a workbook, which bytes of the archive would hardly reach."""
    inner = _file("log.xlsx")()

    def read(data: bytes) -> None:
        inner(_workbook(data))

    return read


def _mapping() -> Read:
    from andon_records.mapping.document import load_mapping
    from andon_records.messages import LoadError

    path = Path(tempfile.mkdtemp(prefix="andon-fuzz-")) / "desk.mapping.yaml"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        try:
            load_mapping(path)
        except LoadError:
            return

    return read


def _times() -> Read:
    import pyarrow as pa
    from andon_records.mapping.time_formats import time_format
    from andon_records.mapping.times import formats_that_fit, read_times, unread

    formats = [time_format(one) for one in MAPPING["time_formats"]]

    def read(data: bytes) -> None:
        texts = data.decode("utf-8", "replace").split("\n")[:50]
        found = read_times(pa.array(texts), formats, "Europe/Berlin")
        found.times.to_pylist()
        unread(texts[0], formats, "Europe/Berlin", texts, mixed=True).text("zh")
        formats_that_fit(texts[:3], "UTC")

    return read


def _write_request(kind: str, field: str, encoding: str) -> Callable[[], Read]:
    """A call of ingest as it comes from the network, through admission's reader."""

    def prepare() -> Read:
        from andon.ingest.v1 import ingest_pb2, record_pb2
        from andon_records.mapping.document import parse_mapping
        from google.protobuf.message import DecodeError

        from services.ingest.model import MalformedBatch, SourceId
        from services.ingest.wire import encoded_rows
        from services.ingest.wire.batches import incoming_batch
        from services.ingest.wire.records import mapped
        from services.runtime.contract import PartlyRead

        encoded_rows.WHOLE_BYTES_MAX = 64
        message = ingest_pb2.WriteEventsRequest if kind == "events" else record_pb2.WriteRecordsRequest
        reading: Any = encoded_rows.reading(message, field, encoding)
        rules = parse_mapping({**MAPPING, "id": "{case}/{at}"})

        def read(data: bytes) -> None:
            try:
                came = reading(data)
                if kind == "events":
                    incoming_batch(came, "")
                else:
                    part = came.part if isinstance(came, PartlyRead) else came.records
                    mapped(part, rules, SourceId("fuzz"))
            except (DecodeError, MalformedBatch):
                return

        return read

    return prepare


def _arrow(records: bool) -> Callable[[], Read]:
    def prepare() -> Read:
        from andon_records.mapping.document import parse_mapping

        from services.ingest.admission.arrow import read_arrow
        from services.ingest.admission.raw_records import map_arrow
        from services.ingest.model import MalformedBatch, SourceId

        rules = parse_mapping({**MAPPING, "id": "{case}/{at}"})

        def read(data: bytes) -> None:
            try:
                if records:
                    map_arrow(rules, SourceId("fuzz"), data)
                else:
                    read_arrow(data)
            except MalformedBatch:
                return

        return read

    return prepare


def _http(media: str, name: str) -> Callable[[], Read]:
    """A body that the gateway takes."""

    def prepare() -> Read:
        from services.gateway import cloud_events, otlp, record_forms
        from services.runtime.errors import AndonError

        readers: dict[str, Callable[[bytes], object]] = {
            "records": lambda body: record_forms.records_of({"content-type": media}, body),
            "cloud_events": lambda body: cloud_events.structured(body, batch=True),
            "metrics": lambda body: otlp.metric_records(media, body),
            "logs": lambda body: otlp.log_records(media, body),
        }

        def read(data: bytes) -> None:
            try:
                readers[name](data)
            except AndonError:
                return

        return read

    return prepare


def _csv() -> list[bytes]:
    line = ",".join(ROW.values())
    plain = f'{",".join(COLUMNS)}\n{line},x\n{line},"a ""b"""\nTotal,2\n'.encode()
    semicolons = plain.replace(b",", b";").replace(b"1.5", b"1,5")
    return [plain, semicolons, b"sep=;\n" + semicolons, plain.decode().encode("utf-16"), gzip.compress(plain), b"\n;\n"]


def _table() -> bytes:
    import pyarrow as pa

    table = pa.table({name: [ROW.get(name, "x")] * 3 for name in COLUMNS})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    sink = io.BytesIO()
    pa.parquet.write_table(pa.ipc.open_stream(_table()).read_all(), sink, compression="none")
    return sink.getvalue()


def _events() -> bytes:
    import pyarrow as pa

    whole = {"source": "s", "id": "1", "case_id": "A", "activity": "Open", "attributes.cost": 1.5}
    time = pa.array([1_772_000_000_000_000], pa.timestamp("us", "UTC"))
    table = pa.table({**{name: [value] for name, value in whole.items()}, "time": time})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _json_rows() -> str:
    import json

    return json.dumps([{**ROW, "note": {"a": [1, "ü", None]}}] * 2)


_SHEET = b'<row r="1">%s</row><row r="2">%s</row>'


def _cells(texts: Sequence[str]) -> bytes:
    return b"".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>'.encode() for text in texts)


def _workbook(rows: bytes) -> bytes:
    sheet = "worksheets/sheet1.xml"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        listed = '<sheet name="S" sheetId="1" r:id="r1"/>'
        archive.writestr("xl/workbook.xml", f'<workbook xmlns:r="r"><sheets>{listed}</sheets></workbook>')
        link = f'<Relationship Id="r1" Target="{sheet}"/>'
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{link}</Relationships>")
        archive.writestr("xl/sharedStrings.xml", "<sst><si><t>A</t></si></sst>")
        archive.writestr("xl/styles.xml", '<styleSheet><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>')
        archive.writestr(f"xl/{sheet}", b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>")
    return target.getvalue()


def _sheet() -> bytes:
    typed = b'<c r="C3" s="0"><v>46000.5</v></c><c t="s"><v>0</v></c><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c>'
    return _SHEET % (_cells(COLUMNS), _cells([ROW.get(name, "x") for name in COLUMNS])) + b"<row>" + typed + b"</row>"


_XES = (
    b'<?xml version="1.0"?><log xes.version="2.0"><classifier name="c" keys="concept:name"/><trace><string'
    b' key="concept:name" value="A"/><event><string key="concept:name" value="Open"/><date key="time:timestamp"'
    b' value="2026-03-02T09:00:00Z"/><list key="l"><values><int key="n" value="1"/></values></list></event>'
    b"</trace></log>"
)
_OCEL_JSON = (
    b'{"objectTypes":[{"name":"Order","attributes":[]}],"eventTypes":[{"name":"Open","attributes":[]}],"objects":[{"id"'
    b':"o1","type":"Order","relationships":[]}],"events":[{"id":"e1","type":"Open","time":"2026-03-02T09:00:00Z",'
    b'"attributes":[],"relationships":[{"objectId":"o1","qualifier":"q"}]}]}'
)
_OCEL_XML = (
    b'<log><object-types><object-type name="Order"><attributes/></object-type></object-types><event-types><event-type'
    b' name="Open"><attributes/></event-type></event-types><objects><object id="o1" type="Order"><attributes/></object>'
    b'</objects><events><event id="e1" type="Open" time="2026-03-02T09:00:00Z"><attributes/><objects><relationship'
    b' object-id="o1" qualifier="q"/></objects></event></events></log>'
)


def _ocel_sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.sqlite"
        with sqlite3.connect(path) as database:
            database.executescript(
                "PRAGMA page_size = 512; VACUUM;"
                "CREATE TABLE event_map_type (ocel_type, ocel_type_map);"
                "INSERT INTO event_map_type VALUES ('Open', 'Open');"
                "CREATE TABLE object_map_type (ocel_type, ocel_type_map);"
                "INSERT INTO object_map_type VALUES ('Order', 'Order');"
                "CREATE TABLE event (ocel_id, ocel_type); INSERT INTO event VALUES ('e1', 'Open');"
                "CREATE TABLE object (ocel_id, ocel_type); INSERT INTO object VALUES ('o1', 'Order');"
                "CREATE TABLE event_object (ocel_event_id, ocel_object_id, ocel_qualifier);"
                "INSERT INTO event_object VALUES ('e1', 'o1', 'q');"
                "CREATE TABLE object_object (ocel_source_id, ocel_target_id, ocel_qualifier);"
                "CREATE TABLE event_Open (ocel_id, ocel_time);"
                "INSERT INTO event_Open VALUES ('e1', '2026-03-02 09:00:00');"
                "CREATE TABLE object_Order (ocel_id, ocel_time, ocel_changed_field);"
            )
        database.close()
        return path.read_bytes()


def _events_request() -> bytes:
    from andon.ingest.v1 import event_pb2, ingest_pb2

    event = event_pb2.Event(source="s", id="1", case_id="A", activity="Open")
    event.time.FromSeconds(1_772_000_000)
    event.attributes["cost"].number = 1.5
    rows = event_pb2.EventRows(events=[event] * 3)
    return ingest_pb2.WriteEventsRequest(batch=event_pb2.EventBatch(rows=rows)).SerializeToString()


def _records_request() -> bytes:
    from andon.ingest.v1 import record_pb2

    records = record_pb2.JsonRecords(records=[_json_rows()[1:-1].split("}, {")[0].encode() + b"}"])
    return record_pb2.WriteRecordsRequest(
        source="sources/fuzz", records=record_pb2.RawRecords(json=records)
    ).SerializeToString()


def _shipped(name: str) -> bytes:
    return (ROOT / "examples" / name).read_bytes()


_CLOUD_EVENT = b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1},"time":"2026-03-02T09:00:00Z"}'
_POINTS = b'{"name":"m","gauge":{"dataPoints":[{"asDouble":1,"timeUnixNano":"1"}]}}'

TARGETS = {
    "csv": Target(_file("log.csv"), _csv),
    "json": Target(_file("log.json"), lambda: [_json_rows().encode(), b'{"a": {"b": ' + _json_rows().encode() + b"}}"]),
    "jsonl": Target(_file("log.jsonl"), lambda: [b'{"case":"A","step":"b","at":"2026-03-02"}\n{"case":1,\n']),
    "parquet": Target(_file("log.parquet"), lambda: [_parquet()]),
    "workbook": Target(_file("log.xlsx"), lambda: [_workbook(_sheet())]),
    "worksheet": Target(_worksheet, lambda: [_sheet()]),
    "xes": Target(_file("log.xes", mapped=False), lambda: [_XES]),
    "ocel_json": Target(_file("log.jsonocel", mapped=False), lambda: [_OCEL_JSON]),
    "ocel_xml": Target(_file("log.xmlocel", mapped=False), lambda: [_OCEL_XML]),
    "ocel_sqlite": Target(_file("log.sqlite", mapped=False), lambda: [_ocel_sqlite()]),
    "proposal": Target(_proposal, _csv),
    "mapping": Target(
        _mapping, lambda: [_shipped("it-incidents.mapping.yaml"), _shipped("hotel-reviews.mapping.yaml")]
    ),
    "times": Target(_times, lambda: [b"2026-03-02T09:00:00.12+01:00\n25/3/2026 9:30\n1772442600000\n46000.5"]),
    "event_rows": Target(_write_request("events", "batch", "rows"), lambda: [_events_request()]),
    "event_columns": Target(_arrow(records=False), lambda: [_events()]),
    "json_records": Target(_write_request("records", "records", "json"), lambda: [_records_request()]),
    "arrow_records": Target(_arrow(records=True), lambda: [_table(), _events()]),
    "http_json": Target(_http("application/json", "records"), lambda: [_json_rows().encode()]),
    "cloud_events": Target(
        _http("", "cloud_events"),
        lambda: [
            b'[{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1},"time":"2026-03-02T09:00:00Z"}]'
        ],
    ),
    "otlp_metrics": Target(
        _http("application/json", "metrics"),
        lambda: [
            b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asDouble":1}]}}]}]}]}'
        ],
    ),
    "otlp_logs": Target(
        _http("application/x-protobuf", "logs"),
        lambda: [b"\n\x10\x12\x0e\x12\x0c\t\x00\x00\x00\x00\x00\x00\x00\x01\x10\x09"],
    ),
}


def _fuzz(name: str, seconds: int) -> None:
    """In a process of its own: libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["andon_records", "services"]):
        read = TARGETS[name].prepare()
    found, artifacts = CORPUS / name / "corpus", CORPUS / name / "findings"
    for folder in (found, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    for place, seed in enumerate(TARGETS[name].seeds()):
        (found / f"seed-{place}").write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "timeout": INPUT_SECONDS_MAX,
        "rss_limit_mb": MEMORY_MIB_MAX,
        "max_len": INPUT_BYTES_MAX,
        "artifact_prefix": f"{artifacts}/",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    atheris.Setup([sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(found)], read)
    atheris.Fuzz()


def main() -> int:
    """1 where a target has a finding."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each target (default: %(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if arguments.here:
        _fuzz(arguments.targets[0], arguments.seconds)
        return 0
    failed = []
    for name in arguments.targets or TARGETS:
        words = [sys.executable, "-m", "tests.fuzzing", name, "--seconds", str(arguments.seconds), "--here"]
        done = subprocess.run(words, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, errors="replace")
        runs = next((line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line), "?")
        print(f"{name}: {runs} inputs, {'a finding' if done.returncode else 'none wrong'}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout[-3000:], done.stderr[-3000:], sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
