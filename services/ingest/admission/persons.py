"""Persons as admission knows them: a secret each, from which pseudonyms come and under which values are encrypted.

A person is a value of a field that is pseudonymised, or of a source's subject. Its secret is random and stored under a
keyed hash of the value, so who knows the value finds the secret, and without the secret nobody gets from the value
to what was made of it. To erase a person is to destroy the secret.

A pseudonym has a version: the period that the event's time lies in, if pseudonyms rotate at all. The secret of a
version gives that of the next one and not that of the one before, so to store a later one makes earlier pseudonyms
nobody's.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PSEUDONYM_CHARS = 22
SECRET_BYTES = 64
REFERENCE_BYTES = 12
ENCRYPTED_PREFIX = "enc1."
_NONCE_BYTES = 12


class NotReadable(Exception):
    """The text is no encrypted value, its person was erased, or it was altered."""


@dataclass(frozen=True, repr=False)
class PersonSecret:
    """`linking` makes pseudonyms from `version` on; `content` encrypts; `reference` names the person in such texts."""

    version: int
    linking: bytes
    content: bytes
    reference: bytes

    @classmethod
    def of(cls, secret: bytes, version: int, reference: bytes) -> "PersonSecret":
        return cls(version, secret[:32], secret[32:], reference)

    def at(self, version: int) -> "PersonSecret":
        """As it is from a later version on."""
        linking = self.linking
        for _ in range(version - self.version):
            linking = hmac.digest(linking, b"next", "sha256")
        return PersonSecret(max(version, self.version), linking, self.content, self.reference)

    @property
    def stored(self) -> bytes:
        return self.linking + self.content

    def pseudonym(self, version: int) -> str:
        """Of an event in this period; earlier ones than the secret's have the pseudonym of the secret's own."""
        digest = hmac.digest(self.at(version).linking, b"pseudonym", "sha256")
        return "p_" + urlsafe_b64encode(digest[:17])[:PSEUDONYM_CHARS].decode()

    def encrypted(self, field: str, value: str) -> str:
        """The same value of the same field has the same text, so that an event sent again is recognised."""
        nonce = hmac.digest(self.content, b"\0".join((b"nonce", field.encode(), value.encode())), "sha256")[
            :_NONCE_BYTES
        ]
        sealed = AESGCM(hmac.digest(self.content, b"encrypt", "sha256")).encrypt(nonce, value.encode(), field.encode())
        return ENCRYPTED_PREFIX + urlsafe_b64encode(self.reference + nonce + sealed).decode()

    def decrypted(self, field: str, text: str) -> str:
        """Raises NotReadable."""
        content = _content(text)[REFERENCE_BYTES:]
        key = AESGCM(hmac.digest(self.content, b"encrypt", "sha256"))
        try:
            return key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], field.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise NotReadable from error


def reference_in(text: str) -> bytes:
    """Of the person that an encrypted value belongs to. Raises NotReadable."""
    return _content(text)[:REFERENCE_BYTES]


def _content(text: str) -> bytes:
    try:
        content = urlsafe_b64decode(text.removeprefix(ENCRYPTED_PREFIX).encode("ascii"))
    except ValueError as error:
        raise NotReadable from error
    if not text.startswith(ENCRYPTED_PREFIX) or len(content) <= REFERENCE_BYTES + _NONCE_BYTES:
        raise NotReadable
    return content


@dataclass(frozen=True, eq=False)
class Persons:
    """The secrets of all persons that some batches name, by value. period_us: of a pseudonym; 0: it stays for ever."""

    secrets: Mapping[str, PersonSecret]
    period_us: int = 0

    def pseudonym(self, value: str, version: int) -> str:
        return self.secrets[value].pseudonym(version)
