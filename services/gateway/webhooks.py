"""Webhooks with their secrets, read from a folder: one YAML file each, named after the webhook."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import structlog
from pydantic import Field, StringConstraints, model_validator

from services.gateway.signatures import SENDERS, TOLERANCE_S, Algorithm, Encoding, HmacRule, Rule
from services.runtime.documents import BadDocument, Document, SourceName, TenantName, parse_document

REREAD_S_MIN = 1.0
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
SECRET_LENGTH_MIN = 16

log = structlog.get_logger(__name__)

Header = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9-]{1,100}$")]
Secret = Annotated[str, StringConstraints(min_length=SECRET_LENGTH_MIN, max_length=1_000)]


class BadWebhook(ValueError):
    """A file that is no webhook; says which and why, and shows no secret."""


class SignatureDocument(Document):
    """What `signatures.HmacRule` says, of a sender that is not known by name."""

    header: Header
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: Header | Literal[""] = ""
    id_header: Header | Literal[""] = ""
    tolerance_s: Annotated[float, Field(gt=0.0, strict=False)] = TOLERANCE_S

    @model_validator(mode="after")
    def _says_what_is_signed(self) -> Self:
        for place, header in (("{timestamp}", self.timestamp_header), ("{id}", self.id_header)):
            if (place in self.signed) != bool(header):
                raise ValueError(f"signed has {place} if and only if its header is named")
        if "{body}" not in self.signed:
            raise ValueError("signed must have {body}")
        return self


class Webhook(Document):
    """`fields`: headers that become fields of each record, by the name of the field."""

    tenant: TenantName
    source: SourceName
    sender: Literal["github", "jira", "zammad", "zendesk", "standard", "freshdesk", "servicenow", "signed"]
    secrets: Annotated[list[Secret], Field(min_length=1, max_length=5)]
    signature: SignatureDocument | None = None
    fields: Mapping[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")], Header] = {}

    @model_validator(mode="after")
    def _has_a_signature_of_its_own(self) -> Self:
        if (self.sender == "signed") != (self.signature is not None):
            raise ValueError("signature is given if and only if the sender is `signed`")
        return self

    @property
    def rule(self) -> Rule:
        return HmacRule(**self.signature.model_dump()) if self.signature else SENDERS[self.sender]


def parse_webhook(name: str, text: str) -> Webhook:
    """Raises BadWebhook with the key at fault."""
    if not NAME.fullmatch(name):
        raise BadWebhook(f"{name}: the name of a webhook is 1 to 63 of a-z, 0-9, '.', '_', '-'")
    try:
        return parse_document(Webhook, text)
    except BadDocument as error:
        raise BadWebhook(f"{name}: {error}") from error.__cause__


class Webhooks:
    """Those of a folder as it is now. A file at fault stops the process at its start, and later changes nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._stamp: Any = None
        self._read_s = time.monotonic()
        self._known = self._read()

    def get(self, name: str) -> Webhook | None:
        now_s = time.monotonic()
        if now_s - self._read_s >= REREAD_S_MIN:
            self._read_s = now_s
            try:
                self._known = self._read()
            except (BadWebhook, OSError) as error:
                log.error("webhooks not read again", reason=str(error))
        return self._known.get(name)

    def _read(self) -> Mapping[str, Webhook]:
        if self._folder is None:
            return {}
        files = sorted(self._folder.glob("*.yaml"))
        # A mounted Secret changes by a link that leads elsewhere, which the times of files show.
        stamp = [(file.name, status.st_mtime_ns, status.st_ino) for file in files for status in (file.stat(),)]
        if stamp == self._stamp:
            return self._known
        self._stamp = stamp
        return {file.stem: parse_webhook(file.stem, file.read_text(encoding="utf-8")) for file in files}
