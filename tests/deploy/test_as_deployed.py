"""Each service migrates and serves on exactly what its pod is given: variables, mounted Secrets, probes, signals."""

import asyncio
import json
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import grpc
import httpx2 as httpx
import pytest
from andon_client.channel import open_channel
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.credentials import Credentials
from deploy.declared import deployable, suite
from deploy.objects import Object, Workload, environment, name_of, probes, workloads
from deploy.rules.resources import quantity
from services.machine.authority import Authority

ROOT = Path(__file__).parents[2]
READY_S_MAX = 60.0
SERVING = health_pb2.HealthCheckResponse.SERVING


class Cluster:
    """What stands around a pod: Secrets as folders, and a Postgres whose owner may create schemas and roles only."""

    def __init__(self, objects: list[Object], home: Path, postgres_dsn: str) -> None:
        self.objects = objects
        self.home = home
        self._postgres = urlsplit(postgres_dsn)
        made = Credentials(home / "credentials", "andon", ["main"]).secrets()
        self.secrets: dict[str, dict[str, str]] = {name_of(one): one["stringData"] for one in made}

    async def prepare(self) -> None:
        """The owner as the guide describes it: no superuser. Roles are new, since databases share them."""
        self.owner = f"owner_{self._postgres.path.strip('/')}"
        connection = await asyncpg.connect(urlunsplit(self._postgres))
        await connection.execute(f"CREATE ROLE {self.owner} LOGIN CREATEROLE PASSWORD 'owner'")
        await connection.execute(f"GRANT CREATE ON DATABASE {self._postgres.path.strip('/')} TO {self.owner}")
        await connection.close()

    def workload(self, name: str) -> Workload:
        return next(one for one in workloads(self.objects) if one.name == name)

    def variables(self, workload: Workload) -> dict[str, str]:
        given = environment(workload.containers[0], self.objects)
        values = {name: self._value(entry) for name, entry in given.items()}
        return {name: value.replace("/etc/andon", str(self.home / "etc")) for name, value in values.items()}

    def _value(self, entry: Object) -> str:
        if "value" in entry:
            return str(entry["value"])
        reference = entry["valueFrom"]["secretKeyRef"]
        return self._here(self.secrets[reference["name"]][reference["key"]])

    def _here(self, dsn: str) -> str:
        """The same address on this Postgres; a role of this test only."""
        parts = urlsplit(dsn)
        owner = parts.username == "postgres"
        user = self.owner if owner else f"{parts.username}_{self._postgres.path.strip('/')}"
        password = "owner" if owner else quote(parts.password or "")
        host = self._postgres.netloc.rpartition("@")[2]
        return urlunsplit(self._postgres._replace(netloc=f"{user}:{password}@{host}"))

    def mount(self, workload: Workload) -> None:
        volumes = {one["name"]: one.get("secret", {}).get("secretName", "") for one in workload.pod["volumes"]}
        for mount in workload.containers[0]["volumeMounts"]:
            folder = Path(mount["mountPath"].replace("/etc/andon", str(self.home / "etc")))
            for key, text in self.secrets.get(volumes.get(mount["name"], ""), {}).items():
                folder.mkdir(parents=True, exist_ok=True)
                (folder / key).write_text(text, encoding="utf-8")

    @asynccontextmanager
    async def pod(self, name: str, **changed: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The pod's container as a process with nothing else in its environment."""
        workload = self.workload(name)
        self.mount(workload)
        variables = {**self.variables(workload), **changed, "PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
        module = f"services.{name.removesuffix('-migrate')}"
        arguments: Sequence[str] = workload.containers[0]["args"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments, cwd=ROOT, env=variables, stderr=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
async def cluster(dev: list[Object], tmp_path: Path, database: str) -> Cluster:
    made = Cluster(dev, tmp_path, database)
    await made.prepare()
    return made


async def migrated(cluster: Cluster, service: str) -> None:
    async with cluster.pod(f"{service}-migrate") as job:
        _, said = await job.communicate()
        assert job.returncode == 0, said.decode()


async def bound(file: Path, process: asyncio.subprocess.Process) -> dict[str, Any]:
    async with asyncio.timeout(READY_S_MAX):
        while not file.exists():
            assert process.returncode is None, "ended before it listened"
            await asyncio.sleep(0.05)
    return dict(json.loads(file.read_text(encoding="utf-8")))


async def health(channel: grpc.aio.Channel, service: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10.0)
    return int(answer.status)


async def passes(port: int, service: str) -> None:
    """As the kubelet asks: until it succeeds, or the time is over."""
    async with asyncio.timeout(READY_S_MAX), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        while True:
            if await health(channel, service) == SERVING:
                return
            await asyncio.sleep(0.1)


async def called_by_name(cluster: Cluster, service: str, port: int) -> int:
    """Over mTLS with a token, as another pod would: by the name of the Service, which the certificate must bear."""
    authority = Authority(cluster.home / "credentials" / "authority")
    certificate, key = authority.certificate("user")
    channel = open_channel(
        f"127.0.0.1:{port}",
        ca_file=authority.ca_file,
        cert_file=certificate,
        key_file=key,
        token=authority.token("user", "main", ["reader"]),
        options=[("grpc.ssl_target_name_override", service)],
    )
    async with channel:
        return await health(channel)


async def answered_by_name(cluster: Cluster, service: str, port: int) -> int:
    """Over TLS, as a caller without a token would ask: by the name of the Service."""
    trusted = ssl.create_default_context(cafile=str(Authority(cluster.home / "credentials" / "authority").ca_file))
    async with httpx.AsyncClient(verify=trusted, timeout=READY_S_MAX) as client:
        asked = client.build_request("GET", f"https://127.0.0.1:{port}/", extensions={"sni_hostname": service})
        return (await client.send(asked)).status_code


def resident_bytes(pid: int) -> int:
    resident_pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(resident_pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("service", deployable())
async def test_a_pod_serves_on_what_it_is_given_and_leaves_in_time(cluster: Cluster, service: str) -> None:
    described = suite()[service]
    if described.has_store:
        await migrated(cluster, service)
    workload, prefix = cluster.workload(service), f"ANDON_{service.upper()}_"
    endpoint = cluster.home / "endpoint.json"
    listeners = ("LISTEN", "HTTP_LISTEN", "HEALTH_LISTEN")
    changed = {**dict.fromkeys(listeners, "127.0.0.1:0"), "ENDPOINT_FILE": str(endpoint)}
    async with cluster.pod(service, **{f"{prefix}{name}": value for name, value in changed.items()}) as process:
        ports = await bound(endpoint, process)
        for _, probe in probes(workload.containers[0]):
            await passes(ports["health_port"], probe["grpc"].get("service", ""))
        if described.has_contract:
            assert await called_by_name(cluster, service, ports["port"]) == SERVING
        if described.has_http:
            assert await answered_by_name(cluster, service, ports["http_port"]) < 500
        asked = quantity(workload.containers[0]["resources"]["requests"]["memory"])
        assert asked is not None
        assert resident_bytes(process.pid) < asked
        process.send_signal(signal.SIGTERM)
        drain_s = workload.pod["terminationGracePeriodSeconds"]
        assert await asyncio.wait_for(process.wait(), drain_s) == 0


async def test_a_pod_that_comes_before_its_migration_says_which_one_is_missing(cluster: Cluster) -> None:
    await migrated(cluster, "ingest")
    owner = cluster.variables(cluster.workload("ingest-migrate"))["ANDON_INGEST_MIGRATION_DSN"]
    connection = await asyncpg.connect(owner)
    last = await connection.fetchval("SELECT max(name) FROM ingest.migration")
    await connection.execute("DELETE FROM ingest.migration WHERE name = $1", last)
    await connection.close()
    async with cluster.pod("ingest") as process:
        _, said = await process.communicate()
        assert process.returncode not in (0, None)
        assert f"schema ingest lacks {last}" in said.decode()
