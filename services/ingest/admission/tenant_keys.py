"""All keys of one tenant, derived from the deployment's key file."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.ingest.hashes import HashKey, hash_key
from services.ingest.model import TenantId

# Stable for every deployment: a partition must not change when a key does.
_CASE_SEED = b"andon.ingest.case.v1:"


@dataclass(frozen=True, repr=False)
class TenantKeys:
    """`persons` finds a person by value, `wrapping` encrypts the persons' secrets at rest."""

    persons: bytes
    wrapping: bytes
    quarantine: bytes
    ids: HashKey
    cases: HashKey

    def person(self, value: str) -> bytes:
        """Under which a person's secret is stored; without the key it says nothing of the value."""
        return hmac.digest(self.persons, value.encode(), "sha256")[:16]


def tenant_keys(secret: bytes, tenant: TenantId) -> TenantKeys:
    return TenantKeys(
        persons=_derived(secret, tenant, b"persons"),
        wrapping=_derived(secret, tenant, b"wrapping"),
        quarantine=_derived(secret, tenant, b"quarantine"),
        ids=hash_key(_derived(secret, tenant, b"event-ids")),
        cases=hash_key(sha256(_CASE_SEED + tenant.encode()).digest()),
    )


def _derived(secret: bytes, tenant: TenantId, purpose: bytes) -> bytes:
    info = b"andon.ingest/" + tenant.encode() + b"/" + purpose
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)
