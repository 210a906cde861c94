"""Keyed pseudonyms: what identifies a person is replaced before anything is stored."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from services.ingest.hashes import HashKey, hash_key
from services.ingest.model import CODED_TEXT, TenantId

PSEUDONYM_CHARS = 22
# Stable for every deployment: a partition must not change when a key does.
_CASE_SEED = b"andon.ingest.case.v1:"


@dataclass(frozen=True)
class TenantKeys:
    """All keys of one tenant, derived from the deployment's key file."""

    pseudonym: bytes
    quarantine: bytes
    ids: HashKey
    cases: HashKey


def tenant_keys(secret: bytes, tenant: TenantId) -> TenantKeys:
    return TenantKeys(
        pseudonym=_derived(secret, tenant, b"pseudonym"),
        quarantine=_derived(secret, tenant, b"quarantine"),
        ids=hash_key(_derived(secret, tenant, b"event-ids")),
        cases=hash_key(sha256(_CASE_SEED + tenant.encode()).digest()),
    )


def _derived(secret: bytes, tenant: TenantId, purpose: bytes) -> bytes:
    info = b"andon.ingest/" + tenant.encode() + b"/" + purpose
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


@lru_cache(maxsize=65_536)
def pseudonym(key: bytes, value: str) -> str:
    """The same value has the same pseudonym within a tenant, and none that another tenant could link.

    >>> pseudonym(bytes(32), "Ada")
    'p_eGRq1BbxnOOYYBsrS1wbiQ'
    """
    digest = hmac.digest(key, value.encode(), "sha256")
    return "p_" + urlsafe_b64encode(digest[:17])[:PSEUDONYM_CHARS].decode()


def pseudonymised(texts: pa.Array, personal: NDArray[np.bool_], key: bytes) -> pa.Array:
    """A column in which the values of the `personal` rows are pseudonyms; each distinct value is computed once."""
    if not personal.any():
        return texts
    if personal.all():
        return all_pseudonymised(texts, key)
    coded = texts if texts.type == CODED_TEXT else texts.dictionary_encode()
    values = coded.dictionary.to_pylist()
    hidden = _hidden(values, key)
    codes = coded.indices.fill_null(0).to_numpy(zero_copy_only=False) + np.where(personal, len(values), 0)
    indices = pa.array(codes.astype(np.int32), mask=np.asarray(coded.is_null()))
    both = pa.DictionaryArray.from_arrays(indices, pa.array(values + hidden, pa.string()))
    # Re-encoded, so that the plain value of a personal row does not stay behind in the dictionary.
    return both.dictionary_decode().dictionary_encode()


def all_pseudonymised(texts: pa.Array, key: bytes) -> pa.DictionaryArray:
    coded = texts if texts.type == CODED_TEXT else texts.dictionary_encode()
    hidden = pa.array(_hidden(coded.dictionary.to_pylist(), key), pa.string())
    return pa.DictionaryArray.from_arrays(coded.indices, hidden, safe=False)


def _hidden(values: Sequence[str], key: bytes) -> list[str]:
    return [pseudonym(key, value) if value else "" for value in values]


def as_text(column: pa.Array) -> pa.Array:
    return column if column.type in (CODED_TEXT, pa.string()) else pc.cast(column, pa.string())
