"""The contract of ingest, served: one file per family of RPCs."""

from dataclasses import dataclass
from typing import Any

from services.ingest.servicer.quarantine import QuarantineRpcs
from services.ingest.servicer.reads import ReadRpcs
from services.ingest.servicer.sources import SourceRpcs
from services.ingest.servicer.writes import WriteRpcs


@dataclass(frozen=True)
class IngestServicer:
    writing: WriteRpcs
    reading: ReadRpcs
    sources: SourceRpcs
    quarantine: QuarantineRpcs

    def __getattr__(self, method: str) -> Any:
        for family in (self.writing, self.reading, self.sources, self.quarantine):
            if hasattr(type(family), method):
                return getattr(family, method)
        raise AttributeError(method)
