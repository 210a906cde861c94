"""Refused events at rest: encrypted under the tenant's key, named so that the same refusal is the same entry."""

import hmac
import os
from base64 import urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.ingest.model import Fault

NONCE_BYTES = 12
# To open and to read a sealed event takes about as long as so many rows of a batch.
OPENED_ROWS = 20


class SealBroken(Exception):
    """The entry was sealed under another key, or was altered."""


def quarantine_id(key: bytes, event: bytes, fault: Fault) -> str:
    """The same event refused again for the same reason has the same id, so a retry adds nothing."""
    subject = "\n".join((fault.source, fault.field, fault.reason)).encode()
    digest = hmac.digest(key, len(subject).to_bytes(4, "big") + subject + event, "sha256")
    return "q_" + urlsafe_b64encode(digest[:17])[:22].decode()


def corrected_name(name: str) -> str:
    """What a correction is authenticated by, so that it cannot be exchanged for the event as it came."""
    return name + "/corrected"


def sealed(key: bytes, name: str, event: bytes, nonce: bytes | None = None) -> bytes:
    """AES-256-GCM; the name is authenticated with it, so that entries cannot be exchanged."""
    nonce = nonce or os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, event, name.encode())


def opened(key: bytes, name: str, payload: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(payload[:NONCE_BYTES], payload[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken(name) from error
