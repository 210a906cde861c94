"""Tokens become callers, or are refused with a reason that helps nobody who should not be helped."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from services.machine.authority import Authority
from services.runtime.errors import PermissionDenied, Unauthenticated
from services.runtime.identity import (
    ANY_CALLER,
    Caller,
    TokenVerifier,
    calling,
    current_caller,
    locale_of,
    permit,
)

Metadata = list[tuple[str, str]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def verifier(authority: Authority) -> TokenVerifier:
    return TokenVerifier(authority.jwks_file, "andon", "andon")


def bearing(token: str) -> Metadata:
    return [("authorization", f"Bearer {token}")]


def forged(authority_dir: Path, **changes: Any) -> str:
    """A token signed with the authority's own key, with some claims or headers changed or (None) left out."""
    key = serialization.load_pem_private_key((authority_dir / "signing.key").read_bytes(), None)
    key_id = json.loads((authority_dir / "jwks.json").read_text())["keys"][0]["kid"]
    claims = {
        "iss": "andon",
        "aud": "andon",
        "sub": "s",
        "tenant": "acme",
        "roles": ["reader"],
        "exp": int(time.time()) + 60,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm="ES256", headers={"kid": key_id})  # type: ignore[arg-type]


def test_a_valid_token_names_subject_tenant_and_roles(authority: Authority, verifier: TokenVerifier) -> None:
    token = authority.token("desk", "acme", ["writer", "reader"])
    assert verifier.caller(bearing(token)) == Caller("desk", "acme", frozenset({"reader", "writer"}), "en")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone"},
        {"aud": "elsewhere"},
        {"exp": 1_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"exp": None},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": 7},
        {"roles": "reader"},
        {"roles": [1]},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_refused(tmp_path: Path, verifier: TokenVerifier, changes: Any) -> None:
    assert verifier.caller(bearing(forged(tmp_path))).tenant == "acme"
    with pytest.raises(Unauthenticated) as caught:
        verifier.caller(bearing(forged(tmp_path, **changes)))
    assert caught.value.reason == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "metadata",
    [[], [("authorization", "")], [("authorization", "Basic abc")], [("authorization", "Bearer ")]],
    ids=["nothing", "empty", "other scheme", "no token"],
)
def test_a_call_without_a_token_is_refused(verifier: TokenVerifier, metadata: Metadata) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verifier.caller(metadata)
    assert caught.value.reason == "TOKEN_MISSING"


def test_unsigned_and_symmetric_tokens_are_refused(authority: Authority, verifier: TokenVerifier) -> None:
    claims = {"iss": "andon", "aud": "andon", "sub": "s", "tenant": "t", "roles": [], "exp": time.time() + 60}
    key_id = json.loads(authority.jwks_file.read_text())["keys"][0]["kid"]
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": key_id})
    symmetric = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": key_id})
    rsa_key = rsa.generate_private_key(65537, 2048)
    other_kind = jwt.encode(claims, rsa_key, algorithm="RS256", headers={"kid": key_id})
    for token in (unsigned, symmetric, other_kind, "not.a.token", "x"):
        with pytest.raises(Unauthenticated):
            verifier.caller(bearing(token))


@pytest.mark.parametrize("tenant", ["a\0b", "", "..", "a/b", "a b", "x" * 64, "'", "ü", "a\n"])
def test_a_signed_token_of_a_tenant_that_is_no_name_is_refused(authority: Authority, verifier: TokenVerifier, tenant):
    with pytest.raises(Unauthenticated) as caught:
        verifier.caller(bearing(authority.token("s", tenant, ["reader"])))
    assert caught.value.reason == "TOKEN_INVALID"


def test_a_subject_holds_no_control_characters(authority: Authority, verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        verifier.caller(bearing(authority.token("s\0", "acme", ["reader"])))


def test_a_token_changed_in_one_place_is_refused(authority: Authority, verifier: TokenVerifier) -> None:
    header, body, signature = authority.token("s", "acme", ["reader"]).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["tenant"] = "umbrella"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        verifier.caller(bearing(f"{header}.{changed}.{signature}"))


def test_a_remembered_token_still_expires(
    authority: Authority, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = authority.token("s", "acme", [], lifetime_s=60)
    assert verifier.caller(bearing(token)).tenant == "acme"
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Unauthenticated):
        verifier.caller(bearing(token))


def _jwk(public: Any, key_id: str, algorithm: Any) -> dict[str, Any]:
    return {**algorithm.to_jwk(public, as_dict=True), "kid": key_id, "use": "sig"}


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_key_that_was_added_is_found_and_one_removed_is_forgotten(
    authority: Authority, verifier: TokenVerifier, algorithm: str
) -> None:
    old_token = authority.token("s", "acme", [])
    assert verifier.caller(bearing(old_token))
    key: Any = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()
    kind = jwt.algorithms.ECAlgorithm if algorithm == "ES256" else jwt.algorithms.OKPAlgorithm
    authority.jwks_file.write_text(json.dumps({"keys": [_jwk(key.public_key(), "next", kind)]}))
    claims = {"iss": "andon", "aud": "andon", "sub": "s", "tenant": "t", "roles": [], "exp": time.time() + 60}
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "next"})
    assert verifier.caller(bearing(token)).tenant == "t"
    with pytest.raises(Unauthenticated):
        verifier.caller(bearing(old_token))


def test_a_broken_key_file_locks_nobody_out(authority: Authority, verifier: TokenVerifier) -> None:
    token = authority.token("s", "acme", [])
    verifier.caller(bearing(token))
    authority.jwks_file.write_text("{")
    with pytest.raises(Unauthenticated):
        verifier.caller(bearing(jwt.encode({}, "x" * 32, headers={"kid": "unknown"})))
    assert verifier.caller(bearing(authority.token("again", "acme", []))).subject == "again"


@pytest.mark.parametrize(
    ("allowed", "roles", "passes"),
    [
        ({"a"}, {"a"}, True),
        ({"a", "b"}, {"b", "c"}, True),
        ({"a"}, {"b"}, False),
        ({"a"}, set(), False),
        (set(), {"a"}, False),
        (ANY_CALLER, set(), True),
        ({"a"}, {"*"}, False),
    ],
)
def test_a_role_from_the_table_is_needed(allowed: set[str], roles: set[str], passes: bool) -> None:
    caller = Caller("s", "t", frozenset(roles))
    access = {"/x.Y/Z": frozenset(allowed)}
    if passes:
        permit(access, "/x.Y/Z", caller)
    else:
        with pytest.raises(PermissionDenied):
            permit(access, "/x.Y/Z", caller)
    with pytest.raises(PermissionDenied):
        permit(access, "/x.Y/Other", caller)


def test_outside_of_a_call_there_is_no_caller() -> None:
    with pytest.raises(Unauthenticated):
        current_caller()
    with calling(Caller("s", "t", frozenset())):
        assert current_caller().tenant == "t"
    with pytest.raises(Unauthenticated):
        current_caller()


@pytest.mark.parametrize(
    ("metadata", "locale"),
    [
        ([], "en"),
        ([("accept-language", "zh-CN,zh;q=0.9,en;q=0.8")], "zh"),
        ([("accept-language", "de, en;q=0.5")], "en"),
        ([("accept-language", "fr")], "en"),
        ([("andon-locale", "zh"), ("accept-language", "en")], "zh"),
    ],
    ids=str,
)
def test_the_caller_chooses_the_language(metadata: Metadata, locale: str) -> None:
    assert locale_of(metadata) == locale


def test_everything_the_authority_makes_is_readable_by_its_owner_only(authority: Authority, tmp_path: Path) -> None:
    authority.certificate("server")
    authority.token_file(tmp_path / "tokens", "s", "acme", ["reader"])
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) == 7
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in made} == {0o600}


def test_what_is_still_valid_is_reused_and_what_no_longer_fits_is_renewed(tmp_path: Path) -> None:
    first = Authority(tmp_path)
    certificate, _ = first.certificate("server", ["localhost"])
    before = certificate.read_bytes()
    ca_before = first.ca_file.read_bytes()
    again = Authority(tmp_path)
    assert again.ca_file.read_bytes() == ca_before
    assert again.certificate("server", ["localhost"]).certificate.read_bytes() == before
    assert again.certificate("server", ["localhost", "10.0.0.1"]).certificate.read_bytes() != before
    (tmp_path / "ca.key").unlink()
    renewed = Authority(tmp_path)
    assert renewed.ca_file.read_bytes() != ca_before
    assert renewed.certificate("server", ["localhost"]).certificate.read_bytes() != before


def test_a_token_of_an_earlier_run_is_still_good(tmp_path: Path) -> None:
    token = Authority(tmp_path).token("s", "acme", [])
    assert TokenVerifier(Authority(tmp_path).jwks_file, "andon", "andon").caller(bearing(token)).tenant == "acme"
