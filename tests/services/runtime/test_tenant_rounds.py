"""What fails for one tenant stops no other, is said, and is tried again: a defect later and later."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from structlog.testing import capture_logs

from services.runtime import setbacks
from services.runtime.errors import ResourceExhausted
from services.runtime.setbacks import Setbacks
from services.runtime.tenant_rounds import TenantRounds


class Ingest(grpc.aio.AioRpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "")


async def test_a_defect_of_one_tenant_is_reported_and_the_others_have_their_turn() -> None:
    served: list[str] = []
    reports: list[tuple[str, str, str]] = []

    async def work(tenant: str) -> None:
        if tenant == "b":
            raise KeyError("an older form")
        served.append(tenant)

    async def report(tenant: str, defect: str, incident: str) -> None:
        reports.append((tenant, defect, incident))
        raise RuntimeError("the database refuses that, too")

    rounds = TenantRounds("reconcile", "ingest", report)
    with capture_logs() as lines:
        await rounds.go(["a", "b", "c"], work)
        await rounds.go(["a", "b", "c"], work)
    assert served == ["a", "c", "a", "c"]
    ((tenant, defect, incident),) = reports
    assert (tenant, defect) == ("b", "KeyError")
    (stopped,) = [line for line in lines if line["event"] == "work of a tenant stopped by a defect"]
    assert stopped["incident"] == incident
    assert isinstance(stopped["exc_info"], KeyError)


@pytest.mark.parametrize(
    "error",
    [
        OSError("the database is away"),
        ResourceExhausted("QUOTA_EXCEEDED", "wait"),
        Ingest(grpc.StatusCode.UNAVAILABLE),
        Ingest(grpc.StatusCode.DEADLINE_EXCEEDED),
    ],
)
async def test_what_is_only_unavailable_is_tried_in_the_next_round(error: Exception) -> None:
    tries: list[str] = []

    async def work(tenant: str) -> None:
        tries.append(tenant)
        raise error

    rounds = TenantRounds[str]("reconcile", "ingest")
    for _ in range(3):
        await rounds.go(["a"], work)
    assert tries == ["a"] * 3


async def test_pauses_double_up_to_a_bound_and_begin_again_after_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Setbacks[str](retry_s_max=10.0)
    assert [found.add("a") for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert found.waits("a")
    assert not found.waits("b")
    found.clear("a")
    assert not found.waits("a")
    monkeypatch.setattr(setbacks, "RETRY_S_MIN", 0.01)
    assert found.add("a") == 0.01
    await asyncio.sleep(0.02)
    assert not found.waits("a")
