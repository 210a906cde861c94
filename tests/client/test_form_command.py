"""An observation that is recorded over a connection that breaks is recorded once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from andon.ingest.v1 import form_pb2, form_pb2_grpc, ingest_pb2_grpc, record_pb2
from andon_client.command_line import app
from andon_client.connection import Connection, save_connection
from typer.testing import CliRunner

from services.machine.authority import Authority


class Forms(form_pb2_grpc.FormServiceServicer):
    def GetForm(self, request, context):
        return form_pb2.GetFormResponse(form=form_pb2.ObservationForm(name=request.name, source="sources/room-check"))


class Ingest(ingest_pb2_grpc.IngestServiceServicer):
    """Breaks off the first answer, when what it answers is durable."""

    def __init__(self):
        self.requests = []

    def WriteRecords(self, request, context):
        self.requests.append(request)
        if len(self.requests) == 1:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
        return record_pb2.WriteRecordsResponse(accepted=1)


@pytest.fixture
def ingest():
    return Ingest()


@pytest.fixture
def home(tmp_path, ingest):
    authority = Authority(tmp_path / "authority")
    server = grpc.server(ThreadPoolExecutor(2))
    form_pb2_grpc.add_FormServiceServicer_to_server(Forms(), server)
    ingest_pb2_grpc.add_IngestServiceServicer_to_server(ingest, server)
    certificate, key = authority.certificate("server")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    (tmp_path / "token.jwt").write_text(authority.token("user", "main", ["writer"]))
    targets = dict.fromkeys(("ingest", "scoring", "improvement"), f"127.0.0.1:{port}")
    files = authority.ca_file, *authority.certificate("user"), tmp_path / "token.jwt"
    save_connection(tmp_path, Connection(targets, *files))
    yield tmp_path
    server.stop(None).wait()


def test_an_observation_is_sent_again_with_its_key_when_its_answer_is_lost(home, ingest):
    words = ["form", "record", "room-check", "--rater", "Ann", "--object", "room-305", "--grade", "bed=3"]
    done = CliRunner().invoke(app, ["--home", str(home), *words])
    assert done.exit_code == 0, done.output
    first, again = ingest.requests
    assert first.request_id
    assert again == first
