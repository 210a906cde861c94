"""The contract and the table of who may call what name the same RPCs, and every RPC can be called by somebody."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from deploy.declared import suite

ROLES = {"reader", "writer", "analyst", "quality_manager", "operator", "service", "admin"}
READS = ("Get", "List", "Read", "Watch", "Explain", "Lint", "Propose")


@pytest.fixture
def contract(service):
    """The methods of every service that the contract package declares."""
    if not suite()[service].has_contract:
        pytest.skip(f"{service} has no contract")
    package = importlib.import_module(f"andon.{service}.v1")
    files = [
        importlib.import_module(f"{package.__name__}.{one.name}").DESCRIPTOR
        for one in pkgutil.iter_modules(package.__path__)
        if one.name.endswith("_pb2")
    ]
    return {
        f"/{declared.full_name}/{method.name}": method
        for file in files
        for declared in file.services_by_name.values()
        for method in declared.methods
    }


def test_every_rpc_of_the_contract_is_in_the_access_table_and_nothing_else_is(contract, part):
    assert set(part("access").ACCESS) == set(contract)


def test_every_rpc_is_for_known_roles_and_an_administrator_may_call_all(contract, part):
    for method, roles in part("access").ACCESS.items():
        assert roles <= ROLES, f"{method}: {roles - ROLES}"
        assert "admin" in roles, method


def test_a_reader_changes_nothing_and_a_service_only_reads(contract, part):
    access = part("access").ACCESS
    changes = {method for method, described in contract.items() if not described.name.startswith(READS)}
    assert changes, "a contract that changes nothing needs no roles"
    assert {method for method in changes if access[method] & {"reader", "service"}} == set()


def test_what_is_no_rpc_is_for_known_roles_too():
    from services.gateway.access import ACCESS

    assert {role for roles in ACCESS.values() for role in roles} == {"writer", "admin"}


def test_a_writer_reads_no_events_scores_or_problems(contract, part):
    open_to_writers = {contract[method].name for method, roles in part("access").ACCESS.items() if "writer" in roles}
    bounds_and_sources = {"GetWatchBounds", "GetIntakeCounts", "GetSource", "ListSources"}
    own_files = {"CreateTransfer", "UploadChunk", "GetTransfer", "CancelTransfer"}
    writes = {"WriteEvents", "WriteRecords", "StreamEvents", "StreamReadings"}
    assert open_to_writers <= bounds_and_sources | own_files | writes


def test_what_was_refused_is_shown_to_operators_only():
    access = importlib.import_module("services.ingest.access").ACCESS
    shown = {method: roles for method, roles in access.items() if "/andon.ingest.v1.QuarantineService/" in method}
    assert shown
    assert set(map(frozenset, shown.values())) == {frozenset({"operator", "admin"})}
