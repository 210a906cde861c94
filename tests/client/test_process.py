"""`andon` as a person meets it: Ctrl-C, pipes that close, terminals with and without colour, a suite that went away."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from andon.ingest.v1 import event_pb2, ingest_pb2, ingest_pb2_grpc
from andon_client.connection import Connection, save_connection

from services.machine.authority import Authority

EXAMPLES = Path(__file__).parents[2] / "examples"
SYSTEM, MAPPING = EXAMPLES / "service-desk.system.yaml", EXAMPLES / "service-desk.mapping.yaml"
PATIENCE_S = 100
COLOUR = re.compile(r"\x1b\[[0-9;]*(?<![0-9])(?:3[0-7]|38|9[0-7])[;m]")


class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """As much of ingest as reading and loading need."""

    async def ReadEvents(self, request, context):
        # Wide ones at the end, so that a few hundred of them are more than a pipe holds.
        activities = ["Created"] * 10 + ["Created " * 100] * 90
        events = [
            event_pb2.Event(id=f"e{number}", case_id="[/red]", activity=activity)
            for number, activity in enumerate(activities)
        ]
        page = ingest_pb2.EventPage(events=event_pb2.EventBatch(rows=event_pb2.EventRows(events=events)))
        for _ in range(100):
            yield ingest_pb2.ReadEventsResponse(pages=[page])

    async def CreateSource(self, request, context):
        return ingest_pb2.CreateSourceResponse()

    async def StreamEvents(self, requests, context):
        async for request in requests:
            yield ingest_pb2.StreamEventsResponse(sequence=request.sequence)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def connect(tmp_path, authority):
    """Writes the connection file of a suite behind one port; returns the folder."""

    def save(port):
        certificate, key = authority.certificate("user")
        token_file = tmp_path / "token.jwt"
        token_file.write_text(authority.token("user", "main", ["admin"]))
        targets = dict.fromkeys(("ingest", "scoring", "improvement"), f"127.0.0.1:{port}")
        save_connection(tmp_path, Connection(targets, authority.ca_file, certificate, key, token_file))
        return tmp_path

    return save


@pytest.fixture
def mute(connect):
    """A suite that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(PATIENCE_S)
        connect(listener.getsockname()[1])
        yield listener


@pytest.fixture
async def home(connect, authority):
    """The folder of a suite with an ingest that has many events."""
    server = grpc.aio.server()
    ingest_pb2_grpc.add_IngestServiceServicer_to_server(Ingest(), server)
    certificate, key = authority.certificate("server")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield connect(port)
    await server.stop(None)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    header = "event_id,case_id,activity,time,agent,channel,priority,team,csat\n"
    rows = [f"e{number},c{number},Created,2026-01-05T00:00:00,bob,web,P1,a,3\n" for number in range(10)]
    path.write_text(header + "".join(rows))
    return path


# As at a prompt: what is started in the background, as test runs may be, is deaf to Ctrl-C.
PROMPT = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler)"


def andon(home, *words, **streams):
    program = f"{PROMPT}; runpy.run_module('andon_client', run_name='__main__')"
    return subprocess.Popen(
        [sys.executable, "-c", program, "--home", str(home), *map(str, words)],
        text=True,
        env={name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
        | {"TERM": "xterm-256color", "PYTHONUNBUFFERED": ""}
        | streams.pop("env", {}),
        **streams,
    )


def done(home, *words):
    process = andon(home, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


COMMANDS = {
    "load": ["{log}", "--mapping", MAPPING],
    "events": [],
    "scores": [],
    "signals": [],
    "problems": [],
    "chart": ["desk/main/wait@day"],
    "watch": [],
    "explain": ["desk/main/wait@day"],
    "problem show": ["problems/7"],
    "problem close": ["problems/7"],
    "action plan": ["problems/7"],
    "action verify": ["problems/7/actions/1"],
    "status": [],
    "system lint": [SYSTEM],
    "system apply": [SYSTEM, "--process", "desk"],
    "system list": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_ends_a_command_with_130_and_a_load_alone_says_a_word(command, mute, tmp_path, log):
    words = [*command.split(), *(str(word).format(log=log) for word in COMMANDS[command])]
    process = andon(tmp_path, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    connection, _ = mute.accept()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    connection.close()
    assert (process.returncode, out) == (130, "")
    said = "interrupted: at least 0 of 10 rows are safe." if command == "load" else ""
    assert err.startswith(said)
    assert bool(err) == bool(said)


@pytest.mark.parametrize("option", [[], ["--json"]])
async def test_a_reader_that_has_seen_enough_is_no_error(home, option):
    process = andon(home, "events", "-n", "300", *option, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert await asyncio.to_thread(process.stdout.readline)
    process.stdout.close()
    assert await asyncio.to_thread(process.wait, PATIENCE_S) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


async def test_what_was_written_in_brackets_is_shown_as_it_is_and_never_folded_in_a_pipe(home):
    code, out, _ = await asyncio.to_thread(done, home, "events", "-n", "3")
    assert code == 0
    assert out.count("[/red]") == 3
    assert len(out.splitlines()) == 2 + 3


async def test_json_is_one_object_a_line_and_leaves_no_field_out(home):
    code, out, _ = await asyncio.to_thread(done, home, "events", "-n", "5", "--json")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["id"] for event in events] == ["e0", "e1", "e2", "e3", "e4"]
    assert {event["resource"] for event in events} == {""}


def test_a_suite_that_went_away_is_said_to_be_away_and_how_to_start_one(connect):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        home = connect(nobody.getsockname()[1])
        code, out, err = done(home, "status")
    assert (code, out) == (1, "")
    told = " ".join(err.split())
    assert "The suite is not reachable. Start one with `make run` or `python -m services`" in told
    assert "Traceback" not in err


def on_terminal(home, *words, env=None):
    """What the command writes on a terminal."""
    ours, its = pty.openpty()
    process = andon(home, *words, stdin=its, stdout=its, stderr=its, env=env or {}, close_fds=True)
    os.close(its)
    shown = b""
    while select.select([ours], [], [], PATIENCE_S)[0]:
        try:
            piece = os.read(ours, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(PATIENCE_S) == 0, shown.decode()
    return shown.decode()


async def test_colours_are_for_terminals_whose_owner_did_not_say_no(home):
    in_colour = await asyncio.to_thread(on_terminal, home, "load", "--help")
    without = await asyncio.to_thread(on_terminal, home, "load", "--help", env={"NO_COLOR": "1"})
    assert COLOUR.search(in_colour)
    assert not COLOUR.search(without)


async def test_a_load_shows_its_progress_on_a_terminal_and_in_no_file(home, log):
    words = ["load", log, "--mapping", MAPPING, "--restart"]
    assert "10 / 10" in await asyncio.to_thread(on_terminal, home, *words)
    code, out, err = await asyncio.to_thread(done, home, *words)
    assert (code, err) == (0, "")
    assert out.startswith("10 received")


async def test_a_load_that_is_asked_for_json_writes_one_object_even_on_a_terminal(home, log):
    words = ["load", log, "--mapping", MAPPING, "--restart", "--json"]
    assert json.loads(await asyncio.to_thread(on_terminal, home, *words))["received"] == 10
