"""What ingest needs of a store: a tenant's log, and transactions on all that is stored of the tenant."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.ingest.known.archive import IdArchive
from services.ingest.log.archive import ArchiveBook
from services.ingest.log.interface import Log
from services.ingest.log.records import LogHead
from services.ingest.model import TenantId
from services.ingest.registry.benchmarks.interface import Benchmarks
from services.ingest.registry.data_quality import QualityBook
from services.ingest.registry.entities.interface import Entities
from services.ingest.registry.feeds.interface import Feeds
from services.ingest.registry.forms.interface import Forms
from services.ingest.registry.held_events import Quarantine
from services.ingest.registry.interface import Registry
from services.ingest.registry.persons import PersonStore
from services.ingest.registry.sensors.interface import Sensors
from services.ingest.registry.surveys.interface import Surveys
from services.ingest.registry.transfers import TransferBook


class StoreSession(Protocol):
    """One transaction of one tenant."""

    @property
    def log(self) -> Log: ...

    @property
    def registry(self) -> Registry: ...

    @property
    def quarantine(self) -> Quarantine: ...

    @property
    def quality(self) -> QualityBook: ...

    @property
    def surveys(self) -> Surveys: ...

    @property
    def forms(self) -> Forms: ...

    @property
    def entities(self) -> Entities: ...

    @property
    def feeds(self) -> Feeds: ...

    @property
    def benchmarks(self) -> Benchmarks: ...

    @property
    def sensors(self) -> Sensors: ...


class LockedSession(StoreSession, Protocol):
    """A transaction in which nobody else can append: the log ends at `head` until it is over."""

    @property
    def head(self) -> LogHead: ...

    @property
    def id_archive(self) -> IdArchive: ...

    @property
    def persons(self) -> PersonStore: ...


class IngestStore(Protocol):
    def log(self, tenant: TenantId) -> Log:
        """A transaction for each call."""

    def id_archive(self, tenant: TenantId) -> IdArchive: ...

    def archive_book(self, tenant: TenantId) -> ArchiveBook:
        """A transaction for each call."""

    def persons(self, tenant: TenantId) -> PersonStore:
        """A transaction for each call."""

    def transfers(self, tenant: TenantId) -> TransferBook:
        """A transaction for each call."""

    def session(self, tenant: TenantId) -> AbstractAsyncContextManager[StoreSession]:
        """Reads one state of the log and of the registry over several calls."""

    def changing(self, tenant: TenantId) -> AbstractAsyncContextManager[StoreSession]:
        """Changes the registry next to the writers of the log."""

    def locked(self, tenant: TenantId) -> AbstractAsyncContextManager[LockedSession]:
        """Waits for the other writers of this log, and makes later ones wait."""
