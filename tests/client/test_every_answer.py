"""Whatever a suite answers, every command shows it: as it stands for people, as one JSON object a line for programs."""

from __future__ import annotations

import gzip
import importlib
import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from andon_client.command_line import app
from andon_client.connection import Connection, save_connection
from google.protobuf.message_factory import GetMessageClass
from typer.main import get_command
from typer.testing import CliRunner

from services.machine.authority import Authority

ROOT = Path(__file__).parents[2]
PACKAGES = {
    **dict.fromkeys(
        (
            *("ingest", "quarantine", "data_quality", "privacy", "archive"),
            *("survey", "form", "entity", "feed", "transfer", "benchmark", "sensor"),
        ),
        "ingest",
    ),
    **dict.fromkeys(
        (
            "scoring",
            "capability",
            "overview",
            "system_review",
            "alarm_review",
            "process",
            "funnel",
            "error_budget",
            "simulation",
            "weight",
            "run_length",
            "benchmark_comparison",
            "clause",
        ),
        "scoring",
    ),
    "improvement": "improvement",
}
# What a person may have written, and what a table, a tree or a colour must not stumble over.
NASTY = '[/red] [bold]"quoted"\\ 等候'
DEPTH_MAX = 5
COUNTED = (
    "load",
    "archive run",
    "chart",
    "loss",
    "annotation delete",
    "export",
    "quarantine discard",
    "quarantine replay",
    "entity link",
    "feed write",
    "sensor write",
    "form templates",
    "source propose",
    "source templates",
    "source webhook",
    "survey mark",
    "survey templates",
    "privacy test",
)


def filled(message, depth=0):
    """Every field has a value, as deep as it goes; the page is the last one."""
    for field in message.DESCRIPTOR.fields:
        chosen = message.WhichOneof(field.containing_oneof.name) if field.containing_oneof else None
        if field.name != "next_page_token" and chosen is None:
            _fill(message, field, depth)
    return message


def _fill(message, field, depth):
    if field.message_type is not None:
        if depth == DEPTH_MAX:
            return
        if field.message_type.GetOptions().map_entry:
            _fill_map(getattr(message, field.name), field.message_type.fields_by_name["value"], depth)
            return
        inner = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
        filled(inner, depth + 1).SetInParent()
        return
    value = _value(field)
    getattr(message, field.name).append(value) if field.is_repeated else setattr(message, field.name, value)


def _fill_map(entries, inner, depth):
    if inner.message_type is None:
        entries[NASTY] = _value(inner)
    else:
        filled(entries[NASTY], depth + 1)


def _value(field):
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    kinds = {field.CPPTYPE_STRING: NASTY, field.CPPTYPE_BOOL: True, field.CPPTYPE_DOUBLE: 1.5, field.CPPTYPE_FLOAT: 1.5}
    if field.type == field.TYPE_BYTES:
        return b"\xff"
    return kinds.get(field.cpp_type, 7)


def handlers(service):
    """Answers every RPC of the contract: a call once, a stream of requests each."""
    contract = importlib.import_module(f"andon.{PACKAGES[service]}.v1.{service}_pb2").DESCRIPTOR
    described = contract.services_by_name[f"{service.title().replace('_', '')}Service"]
    methods = {method.name: _handler(method) for method in described.methods}
    return grpc.method_handlers_generic_handler(described.full_name, methods)


def _handler(method):
    def answer():
        return filled(GetMessageClass(method.output_type)())

    kinds = {
        (False, False): (grpc.unary_unary_rpc_method_handler, lambda request, context: answer()),
        (False, True): (grpc.unary_stream_rpc_method_handler, lambda request, context: iter([answer()])),
        (True, True): (grpc.stream_stream_rpc_method_handler, lambda requests, context: (answer() for _ in requests)),
    }
    make, behaviour = kinds[method.client_streaming, method.server_streaming]
    read = GetMessageClass(method.input_type).FromString
    return make(behaviour, read, lambda message: message.SerializeToString())


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folder of a suite that has an answer to everything."""
    folder = tmp_path_factory.mktemp("home")
    authority = Authority(folder / "authority")
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(tuple(map(handlers, PACKAGES)))
    certificate, key = authority.certificate("server")
    port = server.add_secure_port(
        "127.0.0.1:0", grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    )
    server.start()
    (folder / "token.jwt").write_text(authority.token("user", "main", ["admin"]))
    targets = dict.fromkeys(PACKAGES, f"127.0.0.1:{port}")
    files = authority.ca_file, *authority.certificate("user"), folder / "token.jwt"
    save_connection(folder, Connection(targets, *files))
    yield folder
    server.stop(None).wait()


def _leaves(command, path=()):
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(" ".join(path), command)]
    return [leaf for name, child in sorted(inner.items()) for leaf in _leaves(child, (*path, name))]


# What each command's own help shows, as far as it makes sense with made-up answers.
EXAMPLES = {
    name: shlex.split(command.epilog.removeprefix("Example: andon ")) for name, command in _leaves(get_command(app))
}
EXAMPLES["chart"] = ["chart", "desk/main/wait@day"]
EXAMPLES["explain problem"] = ["explain", "problems/7"]
EXAMPLES["watch scores"] = ["watch", "scores", "--snapshot"]
EXAMPLES["watch signals"] = ["watch", "signals"]


@pytest.fixture
def said(home, tmp_path, monkeypatch):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    header = (ROOT / "examples" / "it-incidents.mapping.yaml").read_text(encoding="utf-8")
    columns = sorted(_columns(header, tmp_path))
    with gzip.open(tmp_path / "incidents.csv.gz", "wt") as file:
        file.write(",".join(columns) + "\n" + ",".join("x" for _ in columns) + "\n")
    shipped = ROOT / "records" / "andon_records" / "shipped"
    (tmp_path / "zendesk.yaml").symlink_to(shipped / "zendesk-audits.yaml")
    (tmp_path / "audits.jsonl").symlink_to(shipped / "zendesk-audits.jsonl")
    monkeypatch.chdir(tmp_path)

    def run(words):
        done = CliRunner().invoke(app, ["--home", str(home), *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        # 1: the linter found an error, or a file was changed; 2: rows were refused. Both are what was answered.
        codes = {"system": 1, "archive": 1, "load": 2, "source": 2, "form": 2, "feed": 2, "sensor": 2, "transfer": 2}
        assert done.exit_code in (0, codes.get(words[0], 0)), done.output
        return done.stdout

    return run


def _columns(mapping_text, folder):
    from andon_records.mapping.document import load_mapping

    (folder / "mapping.yaml").write_text(mapping_text, encoding="utf-8")
    return load_mapping(folder / "mapping.yaml").columns()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_command_speaks_json_lines_and_nothing_else(name, said):
    lines = said([word for word in EXAMPLES[name] if word != "--json"] + ["--json"]).splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_command_shows_whatever_was_written_as_it_stands(name, said):
    shown = said([word for word in EXAMPLES[name] if word != "--json"])
    assert shown.strip()
    # What was done to many events is a count.
    if name not in COUNTED:
        assert "[/red]" in shown
