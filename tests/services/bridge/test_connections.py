"""The document of connections is checked whole, and shared out among replicas without a word between them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bridge.__main__ import is_ours
from services.bridge.adapters.postgres import row_record
from services.bridge.adapters.prometheus import sample_records
from services.bridge.connections import BadConnections, parse_connections, read_connections, replica_of
from services.bridge.message_record import message_record
from services.bridge.settings import BridgeSettings
from services.ingest.model import SOURCE as SOURCE_OF_INGEST
from services.runtime.names import SOURCE

FOLDER = {"name": "drop", "tenant": "main", "source": "desk", "kind": "folder", "path": "in"}
POSTGRES = {
    "name": "rows",
    "tenant": "main",
    "source": "desk",
    "kind": "postgres",
    "dsn_file": "dsn",
    "query": "SELECT * FROM change WHERE id >= $1 ORDER BY id",
    "cursor": "id",
    "begin": "0",
}
KAFKA = {"name": "topics", "tenant": "main", "source": "desk", "kind": "kafka", "brokers": "b:9092", "topics": ["t"]}
MQTT = {"name": "sensors", "tenant": "main", "source": "desk", "kind": "mqtt", "host": "h", "topics": ["t/#"]}


def parsed(*documents: dict[str, Any]) -> list[Any]:
    return parse_connections(json.dumps({"connections": list(documents)}))


def test_a_document_names_each_connection_with_what_its_kind_has() -> None:
    found = parsed(FOLDER, POSTGRES, KAFKA, MQTT)
    assert [one.kind for one in found] == ["folder", "postgres", "kafka", "mqtt"]
    assert found[3].tls
    assert found[3].port == 8883


@pytest.mark.parametrize("source", ["_reports", "x" * 64])
def test_a_connection_writes_to_any_source_that_ingest_has(source: str) -> None:
    assert parsed({**FOLDER, "source": source})[0].source == source
    assert SOURCE == SOURCE_OF_INGEST


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([{**FOLDER, "kind": "ftp"}], "connections.0"),
        ([{**FOLDER, "path": 7}], "connections.0.folder.path"),
        ([{**FOLDER, "patern": "*"}], "connections.0.folder.patern: Extra inputs"),
        ([{**FOLDER, "name": "Drop Box"}], "connections.0.folder.name"),
        ([FOLDER, FOLDER], "the name drop is there twice"),
        ([{**POSTGRES, "query": "SELECT 1"}], "query must have the parameter $1"),
        ([{**POSTGRES, "dsn_file": "../dsn"}], "connections.0.postgres.dsn_file"),
        ([{**KAFKA, "topics": []}], "connections.0.kafka.topics"),
        ([{**MQTT, "port": 0}], "connections.0.mqtt.port"),
    ],
)
def test_what_is_wrong_is_said_by_its_place_and_without_its_value(documents: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(BadConnections) as refused:
        parsed(*documents)
    assert said in str(refused.value)


def test_without_a_folder_or_a_document_there_are_no_connections(tmp_path: Path) -> None:
    assert read_connections(None) == []
    assert read_connections(tmp_path) == []
    (tmp_path / "connections.yaml").write_text("connections: [", encoding="utf-8")
    with pytest.raises(BadConnections, match=r"connections.yaml: no YAML at line 1"):
        read_connections(tmp_path)


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=40), st.integers(1, 5))
def test_each_connection_has_one_replica_and_one_more_takes_only_what_becomes_its_own(
    names: list[str], count: int
) -> None:
    before = {name: replica_of(name, count) for name in names}
    after = {name: replica_of(name, count + 1) for name in names}
    assert set(before.values()) <= set(range(count))
    assert {after[name] for name in names if after[name] != before[name]} <= {count}


def test_members_of_a_group_share_by_themselves(tmp_path: Path) -> None:
    files: dict[str, Any] = {name: tmp_path / name for name in ("tls_ca_file", "tls_cert_file", "tls_key_file")}
    replicas = [
        BridgeSettings(replica_count=2, replica_name=f"bridge-{number}", health_listen="127.0.0.1:0", **files)
        for number in (0, 1)
    ]
    (folder, topics) = parsed(FOLDER, KAFKA)
    assert sorted(is_ours(folder, one) for one in replicas) == [False, True]
    assert all(is_ours(topics, one) for one in replicas)


@given(st.binary(max_size=50) | st.text(max_size=20).map(str.encode) | st.none())
def test_any_message_is_a_record_that_says_where_it_came_from(body: bytes | None) -> None:
    record = json.loads(message_record({"topic": "t", "offset": 7}, body))
    assert (record["topic"], record["offset"]) == ("t", 7)
    assert set(record) - {"topic", "offset"} in ({"value"}, {"value_base64"})


def test_a_row_is_a_record_of_plain_values() -> None:
    from decimal import Decimal
    from uuid import UUID

    row = {
        "at": datetime(2026, 1, 5, tzinfo=UTC),
        "cost": Decimal("1.10"),
        "id": UUID(int=1),
        "raw": b"\0",
        "nan": float("nan"),
        "tags": ["a"],
        "none": None,
    }
    assert json.loads(row_record(row)) == {
        "at": "2026-01-05T00:00:00+00:00",
        "cost": "1.10",
        "id": "00000000-0000-0000-0000-000000000001",
        "raw": "AA==",
        "nan": "nan",
        "tags": ["a"],
        "none": None,
    }


PAGE = """# HELP requests Requests.
# TYPE requests counter
requests_total{shop="north",code="200"} 5
requests_total{code="200",shop="south"} 7 1767600000000
# TYPE wait gauge
wait NaN
"""


def test_samples_are_records_of_their_series() -> None:
    now = datetime(2026, 1, 5, 9, tzinfo=UTC)
    records = [json.loads(one) for one in sample_records(PAGE, now)]
    assert [(one["name"], one["value"]) for one in records] == [
        ("requests_total", 5.0),
        ("requests_total", 7.0),
        ("wait", "nan"),
    ]
    assert [one["time"] for one in records] == [
        "2026-01-05T09:00:00.000000+00:00",
        "2026-01-05T08:00:00.000000+00:00",
        "2026-01-05T09:00:00.000000+00:00",
    ]
    assert len({one["series"] for one in records}) == 3
    swapped = PAGE.replace('shop="north",code="200"', 'code="200",shop="north"')
    assert json.loads(sample_records(swapped, now)[0])["series"] == records[0]["series"]
    assert [json.loads(one)["name"] for one in sample_records(PAGE, now, ["wait"])] == ["wait"]
