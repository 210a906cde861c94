"""What the manifests must hold follows from what a service has: a contract, a store, both or neither."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from deploy.declared import Edge, Service, call_graph, secrets
from deploy.rules.service_objects import each_service_has_the_same_objects
from services.runtime.settings import CallSettings, RuntimeSettings


class ConsoleSettings(CallSettings):
    """Of a client of the services for people: no contract, no store."""

    model_config = SettingsConfigDict(env_prefix="ANDON_CONSOLE_")
    scoring_target: str = "localhost:7443"


CONSOLE = {"console": Service("console", ConsoleSettings)}


def test_a_service_without_contract_and_store_needs_no_database_and_no_callers():
    assert set(secrets(CONSOLE)) == {"console-tls", "console-tokens"}
    edges = call_graph(CONSOLE)
    assert Edge("console", "scoring", 7443) in edges
    assert {edge.destination for edge in edges if edge.source == "console"} == {"scoring", "otel-collector", "dns"}
    assert not [edge for edge in edges if edge.source in ("client", "console-migrate")]
    missing = {place for place, _ in each_service_has_the_same_objects([], CONSOLE)}
    assert missing == {"ServiceAccount/console", "PodDisruptionBudget/console"}


def test_a_service_with_both_needs_them_all():
    both = {"desk": Service("desk", RuntimeSettings)}
    assert set(secrets(both)) == {"desk-database", "desk-migration", "desk-tls", "token-issuer"}
    missing = {place for place, _ in each_service_has_the_same_objects([], both)}
    assert {"Service/desk", "Job/desk-migrate"} <= missing
