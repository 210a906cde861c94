"""`andon erase` and `andon privacy`: nobody is erased unasked, and what is found in texts is shown."""

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from andon.common.v1.text_pb2 import Text
from andon.common.v1.value_pb2 import Value
from andon.ingest.v1 import event_pb2, privacy_pb2, privacy_pb2_grpc
from andon_client.command_line import app
from andon_client.connection import Connection, save_connection
from typer.testing import CliRunner

from services.machine.authority import Authority


class Service(privacy_pb2_grpc.PrivacyServiceServicer):
    """Answers in the form of the contract, and records what it was asked."""

    def __init__(self):
        self.asked = []

    def EraseSubject(self, request, context):
        self.asked.append(request)
        name = "" if request.validate_only else "erasures/1"
        statement = Text(en="Secrets destroyed: 1.", zh="已销毁密钥：1。")
        return privacy_pb2.EraseSubjectResponse(erasure=privacy_pb2.Erasure(name=name, statement=statement))

    def TestPolicy(self, request, context):
        self.asked.append(request)
        results = []
        for event in request.events:
            made = event_pb2.Event(attributes={"mask": Value(text="***")})
            results.append(privacy_pb2.TestPolicyResponse.Result(event=made))
            if any("138" in value.text for value in event.attributes.values()):
                results[-1].findings.add(field="attributes.scan", start=2, end=13, **{"class": "phone"})
        return privacy_pb2.TestPolicyResponse(results=results)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A service, and the folder of its connection."""
    home, service = tmp_path_factory.mktemp("home"), Service()
    authority, server = Authority(home / "authority"), grpc.server(ThreadPoolExecutor(2))
    privacy_pb2_grpc.add_PrivacyServiceServicer_to_server(service, server)
    certificate, key = authority.certificate("server")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    (home / "token.jwt").write_text("t")
    targets = dict.fromkeys(("ingest", "scoring", "improvement"), f"127.0.0.1:{port}")
    save_connection(home, Connection(targets, authority.ca_file, *authority.certificate("user"), home / "token.jwt"))
    yield home, service
    server.stop(None).wait()


@pytest.fixture
def asked(place):
    place[1].asked.clear()
    return place[1].asked


@pytest.fixture
def andon(place):
    return lambda *words: CliRunner().invoke(app, ["--home", str(place[0]), *words])


def test_without_a_terminal_and_without_yes_nobody_is_erased(andon, asked):
    result = andon("erase", "Ada")
    assert result.exit_code == 1
    assert "Secrets destroyed: 1." in result.output
    assert [one.validate_only for one in asked] == [True]


def test_with_yes_the_person_is_erased_and_the_certificate_saved(andon, asked, tmp_path):
    (tmp_path / "values.txt").write_text("Ada\n\n  ada@b.example \n", encoding="utf-8")
    saved = tmp_path / "certificate.json"
    words = ("--values-file", str(tmp_path / "values.txt"), "--yes", "--certificate", str(saved))
    result = andon("--locale", "zh", "erase", *words)
    assert result.exit_code == 0, result.output
    assert "已销毁密钥" in result.output
    (one,) = asked
    assert (list(one.values), one.validate_only, bool(one.request_id)) == (["Ada", "ada@b.example"], False, True)
    assert json.loads(saved.read_text(encoding="utf-8"))["name"] == "erasures/1"
    # A certificate is never written over, and nothing is deleted then.
    assert andon("erase", *words).exit_code == 2
    assert len(asked) == 1


def test_no_value_is_refused_before_anything_is_asked(andon, asked):
    assert andon("erase", "--yes").exit_code == 1
    assert asked == []


def test_a_text_is_shown_with_what_is_found_in_it_and_what_each_treatment_makes_of_it(andon, asked):
    result = andon("privacy", "test", "电话13812345678")
    assert "phone: 13812345678" in result.output
    assert "mask          ***" in result.output
    assert "phone 1" in result.output
    (request,) = asked
    assert len(request.policy.policies) == 7
    assert {one.text for one in request.events[0].attributes.values()} == {"电话13812345678"}


def test_a_file_is_read_line_by_line_and_only_lines_with_findings_are_shown(andon, asked, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("fine\n" * 150 + "电话13812345678\n", encoding="utf-8")
    result = andon("privacy", "test", "--file", str(texts), "--source", "desk", "--field", "attributes.note")
    assert result.exit_code == 0, result.output
    assert "fine" not in result.output
    assert "151 texts; found: phone 1" in result.output
    assert [len(one.events) for one in asked] == [100, 51]
    assert asked[0].source == "sources/desk"
    assert asked[0].events[0].attributes["note"].text == "fine"
