"""Ingest as a process: `python -m services.ingest serve` or `migrate`."""

import asyncio

from andon.ingest.v1.archive_pb2_grpc import add_ArchiveServiceServicer_to_server
from andon.ingest.v1.benchmark_pb2_grpc import add_BenchmarkServiceServicer_to_server
from andon.ingest.v1.data_quality_pb2_grpc import add_DataQualityServiceServicer_to_server
from andon.ingest.v1.entity_pb2_grpc import add_EntityServiceServicer_to_server
from andon.ingest.v1.feed_pb2_grpc import add_FeedServiceServicer_to_server
from andon.ingest.v1.form_pb2_grpc import add_FormServiceServicer_to_server
from andon.ingest.v1.ingest_pb2_grpc import add_IngestServiceServicer_to_server
from andon.ingest.v1.privacy_pb2_grpc import add_PrivacyServiceServicer_to_server
from andon.ingest.v1.quarantine_pb2_grpc import add_QuarantineServiceServicer_to_server
from andon.ingest.v1.sensor_pb2_grpc import add_SensorServiceServicer_to_server
from andon.ingest.v1.survey_pb2_grpc import add_SurveyServiceServicer_to_server
from andon.ingest.v1.transfer_pb2_grpc import add_TransferServiceServicer_to_server

from services.ingest import wire
from services.ingest.access import ACCESS
from services.ingest.log.records import LogHead
from services.ingest.log.tail import LogTail
from services.ingest.model import SECOND_US, IntakeQuota, TenantId, Written
from services.ingest.servicer import IngestServicer
from services.ingest.servicer.archive import Archiver, ArchiveServicer
from services.ingest.servicer.benchmarks import BenchmarkServicer
from services.ingest.servicer.data_quality import DataQualityServicer
from services.ingest.servicer.entities import EntityServicer
from services.ingest.servicer.entity_restatements import EntityRestatements
from services.ingest.servicer.feeds import FeedServicer
from services.ingest.servicer.forms import FormServicer
from services.ingest.servicer.privacy import PrivacyServicer
from services.ingest.servicer.quality_publisher import QualityPublisher
from services.ingest.servicer.quarantine import QuarantineServicer
from services.ingest.servicer.quotas import Quotas
from services.ingest.servicer.request_context import RequestContext
from services.ingest.servicer.sensors import SensorServicer
from services.ingest.servicer.surveys import SurveyServicer
from services.ingest.servicer.tenants import Tenants
from services.ingest.servicer.transfer_reader import TransferReader
from services.ingest.servicer.transfers import TransferServicer
from services.ingest.servicer.writes import READERS
from services.ingest.settings import IngestSettings
from services.ingest.store.parquet_archive import ParquetArchive
from services.ingest.store.schema import CHANNEL, MIGRATIONS, SCHEMA
from services.ingest.store.sessions import PostgresStore
from services.ingest.wire import records as record_wire
from services.ingest.workers import share_interpreter
from services.ingest.writer.commit import LogLimits
from services.ingest.writer.receipt import Codec
from services.ingest.writer.tenant_log import TenantLog
from services.runtime.clock import clock_us
from services.runtime.command import run_command
from services.runtime.contract import Contract
from services.runtime.cursors import CursorCodec
from services.runtime.database import Listener, close_pool, healthy
from services.runtime.drain import Draining
from services.runtime.schema import open_schema, prepare_schema
from services.runtime.server import serve
from services.runtime.settings import StoreSettings

INGEST, QUARANTINE = "andon.ingest.v1.IngestService", "andon.ingest.v1.QuarantineService"
TENANT_KEY_BYTES_MIN = 32
RESPONSE_MARGIN_BYTES = 512 * 1024


def answer(written: Written, head: LogHead) -> bytes:
    assert written.position is not None
    through = CursorCodec(head.origin).encode(written.position)
    if written.origin is not None:
        return record_wire.written_response(written, written.origin, through).SerializeToString()
    response = wire.written_response if written.replay is None else wire.replay_response
    return response(written, through).SerializeToString()


def tenant_secret(settings: IngestSettings) -> bytes:
    secret = settings.tenant_key_file.read_bytes()
    if len(secret) < TENANT_KEY_BYTES_MIN:
        raise SystemExit(f"tenant_key_file holds fewer than {TENANT_KEY_BYTES_MIN} bytes")
    return secret


def commit_bytes_max(message_bytes_max: int) -> int:
    """A commit is read in one message, so it must leave bytes for what a response holds besides its events."""
    return message_bytes_max - min(RESPONSE_MARGIN_BYTES, message_bytes_max // 2)


async def run(settings: IngestSettings, stop: asyncio.Event | None = None) -> None:
    share_interpreter()
    secret = tenant_secret(settings)
    pool = await open_schema(settings, SCHEMA, MIGRATIONS)
    archive = ParquetArchive(settings.archive_url) if settings.archive_url else None
    store = PostgresStore(pool, archive)
    draining = Draining()
    limits = LogLimits(
        commit_rows_max=settings.commit_rows_max,
        commit_bytes_max=commit_bytes_max(settings.message_bytes_max),
        queue_rows_max=settings.queue_rows_max,
        partition_count=settings.partition_count,
        cache_bytes_max=settings.segment_cache_bytes_max,
        pseudonym_days=settings.pseudonym_days,
        pseudonym_horizon_days=settings.pseudonym_horizon_days,
    )

    response_bytes_max = min(settings.response_bytes_max, limits.commit_bytes_max)

    def tail_of(tenant: TenantId) -> LogTail:
        return LogTail(store.log(tenant), draining, response_bytes_max, settings.poll_s)

    tenants = Tenants(store, secret, limits, Codec(wire.event_as_sent, answer), clock_us, tail_of)
    quotas = Quotas(store, IntakeQuota(settings.quota_events_per_s, settings.quota_bytes_per_s), settings.quota_burst_s)
    requests = RequestContext(tenants, store, draining, clock_us, settings.message_bytes_max, quotas)
    publisher = QualityPublisher(store, clock_us, 7.0 / settings.silence_false_alarm_days)
    after_us = round(settings.archive_after_s * SECOND_US)
    archiver = Archiver(store, archive, clock_us, after_us, settings.archive_file_bytes_max) if archive else None
    restatements = EntityRestatements(store)

    async def publish(log: TenantLog) -> None:
        await restatements.go_on(log)
        await publisher.publish(log)

    retention_us = round(settings.quarantine_retention_s * SECOND_US)
    quarantine = QuarantineServicer(requests, retention_us)
    transfers = TransferReader(tenants.of, store, quotas)

    await serve(
        settings=settings,
        contracts=[
            Contract(INGEST, IngestServicer(requests), add_IngestServiceServicer_to_server, ACCESS, readers=READERS),
            Contract(QUARANTINE, quarantine, add_QuarantineServiceServicer_to_server, ACCESS),
            Contract(
                "andon.ingest.v1.PrivacyService",
                PrivacyServicer(requests),
                add_PrivacyServiceServicer_to_server,
                ACCESS,
            ),
            Contract(
                "andon.ingest.v1.DataQualityService",
                DataQualityServicer(requests, 7.0 / settings.silence_false_alarm_days),
                add_DataQualityServiceServicer_to_server,
                ACCESS,
            ),
            Contract(
                "andon.ingest.v1.SurveyService", SurveyServicer(requests), add_SurveyServiceServicer_to_server, ACCESS
            ),
            Contract(
                "andon.ingest.v1.EntityService", EntityServicer(requests), add_EntityServiceServicer_to_server, ACCESS
            ),
            Contract("andon.ingest.v1.FormService", FormServicer(requests), add_FormServiceServicer_to_server, ACCESS),
            Contract("andon.ingest.v1.FeedService", FeedServicer(requests), add_FeedServiceServicer_to_server, ACCESS),
            Contract(
                "andon.ingest.v1.TransferService",
                TransferServicer(requests, transfers, settings.transfer_bytes_max),
                add_TransferServiceServicer_to_server,
                ACCESS,
            ),
            Contract(
                "andon.ingest.v1.BenchmarkService",
                BenchmarkServicer(requests),
                add_BenchmarkServiceServicer_to_server,
                ACCESS,
            ),
            Contract(
                "andon.ingest.v1.SensorService", SensorServicer(requests), add_SensorServiceServicer_to_server, ACCESS
            ),
            Contract(
                "andon.ingest.v1.ArchiveService",
                ArchiveServicer(requests, archive, archiver),
                add_ArchiveServiceServicer_to_server,
                ACCESS,
            ),
        ],
        background=[
            lambda: Listener(settings.dsn, CHANNEL).run(tenants.wake),
            lambda: tenants.archive_old_ids(settings.archive_every_s),
            lambda: tenants.expire_quarantine(settings.quarantine_expiry_every_s, retention_us),
            lambda: tenants.read_transfers(settings.poll_s, transfers.go_on),
            lambda: tenants.publish_quality(settings.quality_publication_every_s, publish),
            *([lambda: tenants.archive_events(settings.archive_events_every_s, archiver.run)] if archiver else []),
        ],
        draining=draining,
        ready=lambda: healthy(pool),
        closers=[transfers.close, tenants.close, lambda: close_pool(pool)],
        stop=stop,
    )


async def migrate(settings: StoreSettings) -> None:
    await prepare_schema(settings, SCHEMA, MIGRATIONS)


if __name__ == "__main__":
    run_command("ingest", __doc__, IngestSettings, run, migrate)
