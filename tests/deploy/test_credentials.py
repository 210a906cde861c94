"""The dev overlay's credentials are the Secrets that the manifests ask for, and they open what they should."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import kubernetes_validate
import pytest
from andon_client.connection import load_connection
from cryptography import x509

from deploy.credentials import Credentials, host_names
from deploy.declared import DEV_SECRETS, secrets, suite
from deploy.objects import Object, environment, name_of, of_kind, workloads


@pytest.fixture
def made(tmp_path: Path) -> dict[str, dict[str, str]]:
    return {name_of(one): one["stringData"] for one in Credentials(tmp_path, "andon", ["main", "east"]).secrets()}


def test_every_secret_that_is_needed_is_made_with_its_keys(made: dict[str, dict[str, str]]) -> None:
    needed = {**secrets(suite()), **DEV_SECRETS}
    assert set(made) == set(needed)
    assert all(keys <= set(made[name]) for name, keys in needed.items())


def test_each_service_holds_a_token_per_tenant(made: dict[str, dict[str, str]]) -> None:
    (key,) = json.loads(made["token-issuer"]["jwks.json"])["keys"]
    roles = {"scoring": "service", "improvement": "service", "gateway": "writer", "bridge": "writer"}
    for name, role in ((f"{service}-tokens", role) for service, role in roles.items()):
        assert set(made[name]) == {"main.jwt", "east.jwt"}
        claims = jwt.decode(made[name]["east.jwt"], jwt.PyJWK(key), algorithms=["ES256"], audience="andon")
        assert (claims["tenant"], claims["roles"]) == ("east", [role])


def test_a_certificate_names_every_address_that_the_manifests_use(
    made: dict[str, dict[str, str]], dev: list[Object]
) -> None:
    for workload in workloads(dev):
        for name, entry in environment(workload.containers[0], dev).items():
            if name.endswith("_TARGET"):
                host = urlsplit(entry["value"]).path.strip("/").partition(":")[0]
                certificate = x509.load_pem_x509_certificate(made[f"{host}-tls"]["tls.crt"].encode())
                names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
                assert host in names.get_values_for_type(x509.DNSName)


def test_addresses_lead_to_the_postgres_of_the_overlay(made: dict[str, dict[str, str]], dev: list[Object]) -> None:
    (service,) = (one for one in of_kind(dev, "Service") if name_of(one) == "postgres")
    for name in (one.name for one in suite().values() if one.has_store):
        for kind in ("database", "migration"):
            address = urlsplit(made[f"{name}-{kind}"]["dsn"])
            assert (address.hostname, address.port) == (name_of(service), service["spec"]["ports"][0]["port"])
        assert urlsplit(made[f"{name}-migration"]["dsn"]).password == made["postgres"]["password"]
        assert urlsplit(made[f"{name}-database"]["dsn"]).username == f"andon_{name}"


def test_a_second_run_changes_no_key_and_no_password(tmp_path: Path) -> None:
    first, second = (Credentials(tmp_path, "andon", ["main"]).secrets() for _ in range(2))
    assert [one for one in first if "tokens" not in name_of(one)] == [
        one for one in second if "tokens" not in name_of(one)
    ]


def test_secrets_are_valid_objects(tmp_path: Path) -> None:
    for one in Credentials(tmp_path, "andon", ["main"]).secrets():
        kubernetes_validate.validate(one, "1.30", strict=True)


def test_the_command_line_is_told_where_the_forwarded_ports_are(tmp_path: Path) -> None:
    Credentials(tmp_path, "andon", ["main"]).save_connection()
    connection = load_connection(tmp_path)
    assert connection.targets == {
        "ingest": "127.0.0.1:7443",
        "scoring": "127.0.0.1:7444",
        "improvement": "127.0.0.1:7445",
    }
    assert connection.token()
    assert "127.0.0.1" in host_names("ingest", "andon")
