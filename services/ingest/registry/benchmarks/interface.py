"""What is stored of a tenant's benchmarks, within one transaction."""

from typing import Protocol

from services.ingest.registry.benchmarks.model import StoredBenchmark


class Benchmarks(Protocol):
    async def create(self, name: str, document: bytes) -> StoredBenchmark | None:
        """None: one of this name exists."""

    async def benchmark(self, name: str) -> StoredBenchmark | None: ...

    async def benchmarks(self, after: str, count_max: int) -> list[StoredBenchmark]:
        """By name."""

    async def replace(self, name: str, document: bytes) -> StoredBenchmark:
        """Under the next revision."""
