"""What the manifests must hold follows from what a service has: a contract, a store, both or neither."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from deploy.declared import Edge, Service, call_graph, secrets
from deploy.rules.ports import containers_listen_where_they_say
from deploy.rules.service_objects import contracts_are_behind_headless_services, each_service_has_the_same_objects
from services.runtime.settings import CallSettings, HttpSettings, RuntimeSettings


class BridgeSettings(CallSettings):
    """Of a client of the services: no contract, no store, no HTTP."""

    model_config = SettingsConfigDict(env_prefix="ANDON_BRIDGE_")
    scoring_target: str = "localhost:7443"


class ConsoleSettings(HttpSettings):
    """Of a client of the services for people: HTTP, no contract, no store."""

    model_config = SettingsConfigDict(env_prefix="ANDON_CONSOLE_")
    scoring_target: str = "localhost:7443"


BRIDGE = {"bridge": Service("bridge", BridgeSettings)}
CONSOLE = {"console": Service("console", ConsoleSettings)}


def test_a_service_without_contract_and_store_needs_no_database_and_no_callers():
    assert set(secrets(BRIDGE)) == {"bridge-tls", "bridge-tokens"}
    edges = call_graph(BRIDGE)
    assert Edge("bridge", "scoring", 7443) in edges
    assert {edge.destination for edge in edges if edge.source == "bridge"} == {"scoring", "otel-collector", "dns"}
    assert not [edge for edge in edges if edge.source in ("client", "bridge-migrate")]
    missing = {place for place, _ in each_service_has_the_same_objects([], BRIDGE)}
    assert missing == {"ServiceAccount/bridge", "PodDisruptionBudget/bridge"}


def test_a_service_of_http_has_a_port_for_clients_and_no_token_issuer():
    assert set(secrets(CONSOLE)) == {"console-tls", "console-tokens"}
    assert [edge for edge in call_graph(CONSOLE) if edge.source == "client"] == [Edge("client", "console", 8443)]
    missing = {place for place, _ in each_service_has_the_same_objects([], CONSOLE)}
    assert missing == {"ServiceAccount/console", "PodDisruptionBudget/console", "Service/console"}


def test_requests_of_http_are_spread_over_the_pods_by_one_address():
    """A contract's connections live long, and an address for all pods would pin them to one."""
    spread = {"kind": "Service", "metadata": {"name": "console"}, "spec": {"clusterIP": ""}}
    assert list(contracts_are_behind_headless_services([spread], CONSOLE)) == []
    pinned = {**spread, "metadata": {"name": "desk"}}
    desk = {"desk": Service("desk", RuntimeSettings)}
    assert list(contracts_are_behind_headless_services([pinned], desk)) == [("Service/desk", "is not headless")]


def test_a_port_of_http_is_the_one_that_the_process_listens_on():
    container = {
        "name": "console",
        "ports": [{"name": "http", "containerPort": 8443}, {"name": "health", "containerPort": 7480}],
    }
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "console"},
        "spec": {"template": {"metadata": {}, "spec": {"containers": [container]}}},
    }
    assert list(containers_listen_where_they_say([workload], CONSOLE)) == []
    container["env"] = [{"name": "ANDON_CONSOLE_HTTP_LISTEN", "value": "0.0.0.0:9443"}]
    ((place, said),) = containers_listen_where_they_say([workload], CONSOLE)
    assert (place, "http_listen" in said) == ("Deployment/console", True)


def test_a_service_with_both_needs_them_all():
    both = {"desk": Service("desk", RuntimeSettings)}
    assert set(secrets(both)) == {"desk-database", "desk-migration", "desk-tls", "token-issuer"}
    missing = {place for place, _ in each_service_has_the_same_objects([], both)}
    assert {"Service/desk", "Job/desk-migrate"} <= missing
