"""Who is calling: a token becomes a caller, and a table says what that caller may do. Default: nothing."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import jwt

from services.runtime.errors import PermissionDenied, Unauthenticated
from services.runtime.names import TENANT
from services.runtime.texts import Locale, negotiate

Access = Mapping[str, frozenset[str]]
Metadata = Sequence[tuple[str, str | bytes]]

# In an access table: every caller with a valid token, whatever the roles.
ANY_CALLER: frozenset[str] = frozenset({"*"})
ALGORITHMS = ("ES256", "EdDSA")
CLOCK_SKEW_S = 30
TOKENS_REMEMBERED_MAX = 4096
KEYS_REREAD_S_MIN = 1.0


@dataclass(frozen=True)
class Caller:
    """`locale` is the language in which this call's errors are explained."""

    subject: str
    tenant: str
    roles: frozenset[str]
    locale: Locale = "en"


_caller: ContextVar[Caller | None] = ContextVar("andon_caller", default=None)


def current_caller() -> Caller:
    caller = _caller.get()
    if caller is None:
        raise Unauthenticated("TOKEN_MISSING", "there is no caller here")
    return caller


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """What runs inside does so on behalf of `caller`."""
    before = _caller.get()
    _caller.set(caller)
    try:
        yield
    finally:
        # Not reset(token): a stream's cleanup may run in another context than its start.
        _caller.set(before)


def permit(access: Access, method: str, caller: Caller) -> None:
    allowed = access.get(method, frozenset())
    if allowed != ANY_CALLER and not allowed & caller.roles:
        raise PermissionDenied("ROLE_NOT_ALLOWED", "the caller's roles do not allow this call")


def locale_of(metadata: Metadata) -> Locale:
    """`andon-locale` is the caller's explicit wish, `accept-language` what browsers send."""
    values = _texts(metadata)
    return negotiate(values.get("andon-locale") or values.get("accept-language"))


def bearer_token(metadata: Metadata) -> str:
    scheme, _, token = _texts(metadata).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("TOKEN_MISSING", "no bearer token came with this call")
    return token.strip()


def _texts(metadata: Metadata) -> dict[str, str]:
    return {key.lower(): value for key, value in metadata if isinstance(value, str)}


@dataclass(frozen=True)
class _Verified:
    subject: str
    tenant: str
    roles: frozenset[str]
    expires_at_s: float


class TokenVerifier:
    """Checks signature, issuer, audience and expiry; a key unknown so far, or a changed file, re-reads the keys."""

    def __init__(self, jwks_file: Path, issuer: str, audience: str) -> None:
        self._file = jwks_file
        self._issuer = issuer
        self._audience = audience
        self._keys: dict[str, jwt.PyJWK] = {}
        # No file has it, so that the first reading is never taken for a repeated one.
        self._stamp: tuple[int, int] = (-1, -1)
        self._reread_at_s = float("-inf")
        self._remembered: OrderedDict[str, _Verified] = OrderedDict()
        self._read_keys()

    def caller(self, metadata: Metadata) -> Caller:
        verified = self._verified(bearer_token(metadata))
        return Caller(verified.subject, verified.tenant, verified.roles, locale_of(metadata))

    def _verified(self, token: str) -> _Verified:
        now_s = time.monotonic()
        if now_s - self._reread_at_s >= KEYS_REREAD_S_MIN:
            self._reread_at_s = now_s
            self._read_keys()
        known = self._remembered.get(token)
        if known is None:
            known = self._decode(token)
            self._remembered[token] = known
            if len(self._remembered) > TOKENS_REMEMBERED_MAX:
                self._remembered.popitem(last=False)
        # Remembering a token must not outlive it.
        if known.expires_at_s + CLOCK_SKEW_S < time.time():
            self._remembered.pop(token, None)
            raise Unauthenticated("TOKEN_INVALID", "the token has expired")
        return known

    def _decode(self, token: str) -> _Verified:
        try:
            key_id = str(jwt.get_unverified_header(token).get("kid", ""))
            if key_id not in self._keys:
                self._read_keys()
            if key_id not in self._keys:
                raise jwt.InvalidTokenError("unknown key")
            claims = jwt.decode(
                token,
                self._keys[key_id],
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=CLOCK_SKEW_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated("TOKEN_INVALID", "the token is not valid") from error
        tenant, roles = claims.get("tenant"), claims.get("roles", [])
        has_roles = isinstance(roles, list) and all(isinstance(role, str) for role in roles)
        if not isinstance(tenant, str) or not TENANT.fullmatch(tenant) or not has_roles:
            raise Unauthenticated("TOKEN_INVALID", "the token names no tenant or no roles")
        subject = str(claims["sub"])
        if not subject.isprintable():
            raise Unauthenticated("TOKEN_INVALID", "the token's subject is not printable")
        return _Verified(subject, tenant, frozenset(roles), float(claims["exp"]))

    def _read_keys(self) -> None:
        """Where the file has changed."""
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        try:
            documents = json.loads(self._file.read_text(encoding="utf-8"))["keys"]
            keys = {document["kid"]: jwt.PyJWK(document) for document in documents}
        except (OSError, ValueError, KeyError, jwt.PyJWTError):
            # A half-written file is no reason to lock everybody out; at the start it is a reason to stop.
            if not self._keys:
                raise
            return
        self._keys, self._stamp = keys, stamp
        self._remembered.clear()


def _stamp(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except FileNotFoundError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_ino)
