"""What an OTLP exporter sends, as records: one for each data point of a metric and for each line of a log."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2

from services.gateway.media_types import PROTOBUF, is_json
from services.runtime.errors import invalid

Record = dict[str, Any]

TEMPORALITIES = {
    metrics_pb2.AGGREGATION_TEMPORALITY_DELTA: "delta",
    metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE: "cumulative",
}
NO_VALUE = metrics_pb2.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
DIGEST_DIGITS = 32
SECOND_NS = 1_000_000_000


def metric_records(media: str, body: bytes) -> Sequence[bytes]:
    """Raises InvalidArgument where the body is no ExportMetricsServiceRequest of its media type."""
    request = ExportMetricsServiceRequest()
    _read(request, media, body)
    return [
        _encoded(record)
        for of_resource in request.resource_metrics
        for of_scope in of_resource.scope_metrics
        for metric in of_scope.metrics
        for record in _points(metric, attributes_of(of_resource.resource.attributes), of_scope.scope.name)
    ]


def log_records(media: str, body: bytes) -> Sequence[bytes]:
    """Raises InvalidArgument where the body is no ExportLogsServiceRequest of its media type."""
    request = ExportLogsServiceRequest()
    _read(request, media, body)
    return [
        _encoded(_line(line, attributes_of(of_resource.resource.attributes), of_scope.scope.name, media))
        for of_resource in request.resource_logs
        for of_scope in of_resource.scope_logs
        for line in of_scope.log_records
    ]


def _read(request: Any, media: str, body: bytes) -> None:
    try:
        if media == PROTOBUF:
            request.ParseFromString(body)
        elif is_json(media):
            json_format.Parse(body, request, ignore_unknown_fields=True)
        else:
            raise invalid("content-type", f"must be {PROTOBUF} or application/json")
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("body", "is not a readable request of OTLP") from error


def _points(metric: metrics_pb2.Metric, resource: Mapping[str, Any], scope: str) -> Iterator[Record]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    for point in data.data_points:
        attributes = attributes_of(point.attributes)
        # What a series is: the same for each of its points, in whatever order the attributes come.
        series = {"resource": resource, "scope": scope, "name": metric.name, "unit": metric.unit}
        record: Record = {
            "kind": kind,
            "series": _digest({**series, "attributes": attributes}),
            "name": metric.name,
            "unit": metric.unit,
            "time": _time(point.time_unix_nano),
            "start_time": _time(point.start_time_unix_nano),
            "time_unix_nano": str(point.time_unix_nano),
            "attributes": attributes,
            "resource": resource,
            "scope": scope,
        }
        if hasattr(data, "aggregation_temporality"):
            record["temporality"] = TEMPORALITIES.get(data.aggregation_temporality)
        if kind == "sum":
            record["monotonic"] = data.is_monotonic
        if not point.flags & NO_VALUE:
            record.update(_values(kind, point))
        yield record


def _values(kind: str, point: Any) -> Record:
    if kind in ("gauge", "sum"):
        name = point.WhichOneof("value")
        return {"value": None if name is None else _number(getattr(point, name))}
    found: Record = {"count": point.count}
    if kind == "summary":
        quantiles = {f"{one.quantile:g}": _number(one.value) for one in point.quantile_values}
        return {**found, "sum": _number(point.sum), "quantiles": quantiles}
    found |= {name: _number(getattr(point, name)) for name in ("sum", "min", "max") if point.HasField(name)}
    if point.count and "sum" in found and found["sum"] is not None:
        found["mean"] = point.sum / point.count
    if kind == "histogram":
        return {**found, "bounds": list(point.explicit_bounds), "buckets": list(point.bucket_counts)}
    return {**found, "scale": point.scale, "zero_count": point.zero_count}


def _line(line: LogRecord, resource: Mapping[str, Any], scope: str, media: str) -> Record:
    record: Record = {
        "time": _time(line.time_unix_nano or line.observed_time_unix_nano),
        "time_unix_nano": str(line.time_unix_nano or line.observed_time_unix_nano),
        "severity": line.severity_text or None,
        "severity_number": line.severity_number,
        "event_name": line.event_name or None,
        "body": value_of(line.body),
        "attributes": attributes_of(line.attributes),
        "resource": resource,
        "scope": scope,
        "trace_id": _id(line.trace_id, media),
        "span_id": _id(line.span_id, media),
    }
    # A line has no id of its own: one that is equal in everything is the same one, sent again.
    return {"digest": _digest(record), **record}


def _id(value: bytes, media: str) -> str | None:
    """Ids are hexadecimal in the JSON of OTLP; read as the base64 that protobuf has there, they become bytes again."""
    if not value:
        return None
    return value.hex() if media == PROTOBUF else base64.b64encode(value).decode("ascii").lower()


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: value_of(pair.value) for pair in pairs}


def value_of(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [value_of(one) for one in value.array_value.values]
        case "kvlist_value":
            return attributes_of(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode("ascii")
        case "double_value":
            return _number(value.double_value)
        case name:
            return getattr(value, name)


def _number(value: float) -> float | str:
    """What JSON has no number for is a text, which ingest sets aside and counts where a number is expected."""
    return value if math.isfinite(value) else str(value)


def _time(nanoseconds: int) -> str | None:
    """ISO 8601 with nine digits of the second; None: not known."""
    if not nanoseconds:
        return None
    seconds, rest = divmod(nanoseconds, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_DIGITS]


def _encoded(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
