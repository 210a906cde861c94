"""BenchmarkService: reference values that others reach."""

from typing import Any

from andon.ingest.v1 import benchmark_pb2
from andon.ingest.v1 import benchmark_pb2_grpc as grpc_stubs

from services.ingest.model import SOURCE
from services.ingest.registry.benchmarks.model import StoredBenchmark
from services.ingest.servicer.benchmark_rules import check_benchmark
from services.ingest.servicer.request_context import RequestContext
from services.ingest.wire import benchmarks as benchmark_wire
from services.ingest.writer.interface import LockedSession, StoreSession
from services.runtime.errors import Aborted, AlreadyExists, NotFound
from services.runtime.field_checks import FieldChecks
from services.runtime.page_tokens import page_size, page_token, place_of

PAGE_SIZE, PAGE_SIZE_MAX = 20, 100


class BenchmarkServicer(grpc_stubs.BenchmarkServiceServicer):
    def __init__(self, requests: RequestContext) -> None:
        self._requests = requests

    async def CreateBenchmark(
        self, request: benchmark_pb2.CreateBenchmarkRequest, context: Any
    ) -> benchmark_pb2.CreateBenchmarkResponse:
        checks = FieldChecks()
        named = SOURCE.fullmatch(request.benchmark_id) is not None
        checks.require(named, "benchmark_id", "must be 1 to 64 of [a-z0-9._-]")
        check_benchmark(request.benchmark, checks)
        checks.done()
        name, document = request.benchmark_id, benchmark_wire.document(request.benchmark)

        async def create(session: LockedSession) -> benchmark_pb2.CreateBenchmarkResponse:
            made: StoredBenchmark | None
            if request.validate_only:
                known = await session.benchmarks.benchmark(name)
                made = StoredBenchmark(name, document, 1) if known is None else None
            else:
                made = await session.benchmarks.create(name, document)
            if made is None:
                raise AlreadyExists("ALREADY_EXISTS", "a benchmark of this name exists")
            return benchmark_pb2.CreateBenchmarkResponse(benchmark=self._message(made))

        return await self._requests.once("CreateBenchmark", request, benchmark_pb2.CreateBenchmarkResponse, create)

    async def GetBenchmark(
        self, request: benchmark_pb2.GetBenchmarkRequest, context: Any
    ) -> benchmark_pb2.GetBenchmarkResponse:
        tenant_log = await self._requests.log()
        async with self._requests.store.session(tenant_log.tenant) as session:
            found = await _benchmark(session, _id(request.name))
        return benchmark_pb2.GetBenchmarkResponse(benchmark=self._message(found))

    async def ListBenchmarks(
        self, request: benchmark_pb2.ListBenchmarksRequest, context: Any
    ) -> benchmark_pb2.ListBenchmarksResponse:
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        (after,) = place_of(request, "")
        tenant_log = await self._requests.log()
        found: list[benchmark_pb2.Benchmark] = []
        async with self._requests.store.session(tenant_log.tenant) as session:
            # The state follows from the clock, so the database cannot filter by it.
            while len(found) <= size:
                page = await session.benchmarks.benchmarks(after, PAGE_SIZE_MAX)
                messages = map(self._message, page)
                found += [one for one in messages if not request.states or one.state in request.states]
                if len(page) < PAGE_SIZE_MAX:
                    break
                after = page[-1].id
        more = page_token(request, _id(found[size - 1].name)) if len(found) > size else ""
        return benchmark_pb2.ListBenchmarksResponse(benchmarks=found[:size], next_page_token=more)

    async def UpdateBenchmark(
        self, request: benchmark_pb2.UpdateBenchmarkRequest, context: Any
    ) -> benchmark_pb2.UpdateBenchmarkResponse:
        checks = FieldChecks()
        check_benchmark(request.benchmark, checks)
        checks.done()
        name, document = _id(request.benchmark.name), benchmark_wire.document(request.benchmark)

        async def update(session: LockedSession) -> benchmark_pb2.UpdateBenchmarkResponse:
            before = await _benchmark(session, name)
            if request.benchmark.etag and request.benchmark.etag != benchmark_wire.etag(before):
                raise Aborted("ETAG_STALE", "the benchmark changed since it was read")
            after = StoredBenchmark(name, document, before.revision, before.created_at_us, before.updated_at_us)
            if not request.validate_only:
                after = await session.benchmarks.replace(name, document)
            return benchmark_pb2.UpdateBenchmarkResponse(benchmark=self._message(after))

        return await self._requests.once("UpdateBenchmark", request, benchmark_pb2.UpdateBenchmarkResponse, update)

    def _message(self, stored: StoredBenchmark) -> benchmark_pb2.Benchmark:
        return benchmark_wire.benchmark_message(stored, self._requests.clock_us())


async def _benchmark(session: StoreSession, name: str) -> StoredBenchmark:
    found = await session.benchmarks.benchmark(name)
    if found is None:
        raise NotFound("NOT_FOUND", "no such benchmark")
    return found


def _id(name: str) -> str:
    return name.removeprefix(benchmark_wire.BENCHMARK_PREFIX)
