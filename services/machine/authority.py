"""A throw-away certificate authority and token issuer for one machine, so that the secure path is the only path."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.runtime.private_files import write_private

ISSUER = "andon"
AUDIENCE = "andon"
CA_LIFETIME = timedelta(days=3650)
CERTIFICATE_LIFETIME = timedelta(days=90)
RENEWED_BEFORE_END = timedelta(days=30)
# Clocks of containers on one machine may differ a little.
BACKDATED = timedelta(minutes=5)
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class CertificateFiles:
    certificate: Path
    key: Path

    def __iter__(self) -> Iterator[Path]:
        return iter((self.certificate, self.key))


class Authority:
    """Everything it makes lies in `directory`, readable by its owner only, and is reused while it is valid."""

    def __init__(self, directory: Path, issuer: str = ISSUER, audience: str = AUDIENCE) -> None:
        self._directory = directory
        self._issuer = issuer
        self._audience = audience
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._ca_key = _kept_key(directory / "ca.key")
        self._ca = self._stored_ca()
        self._signing_key = _kept_key(directory / "signing.key")
        self._key_id = _key_id(self._signing_key)
        jwk = {**_coordinates(self._signing_key), "kid": self._key_id, "alg": "ES256", "use": "sig"}
        document = json.dumps({"keys": [jwk]}, indent=1)
        if not self.jwks_file.exists() or self.jwks_file.read_text(encoding="utf-8") != document:
            write_private(self.jwks_file, document)

    @property
    def ca_file(self) -> Path:
        return self._directory / "ca.crt"

    @property
    def jwks_file(self) -> Path:
        return self._directory / "jwks.json"

    def certificate(self, name: str, sans: Sequence[str] = LOCAL_NAMES) -> CertificateFiles:
        """Certificate and key for server and client use; `sans` are DNS names and IP addresses."""
        files = CertificateFiles(self._directory / f"{name}.crt", self._directory / f"{name}.key")
        if not self._still_good(files, sans):
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            both_ends = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key())
            certificate = (
                _unsigned(subject, self._ca.subject, key.public_key(), CERTIFICATE_LIFETIME)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(_key_usage(signs_certificates=False), critical=True)
                .add_extension(x509.ExtendedKeyUsage(both_ends), critical=False)
                .add_extension(x509.SubjectAlternativeName([_general_name(one) for one in sans]), critical=False)
                .add_extension(issuer, critical=False)
                .sign(self._ca_key, hashes.SHA256())
            )
            write_private(files.key, _pem_key(key))
            write_private(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        return files

    def token(
        self, subject: str, tenant: str, roles: Iterable[str], lifetime_s: float = 86_400.0, now_s: float | None = None
    ) -> str:
        issued = time.time() if now_s is None else now_s
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "tenant": tenant,
            "roles": sorted(roles),
            "iat": int(issued),
            "exp": int(issued + lifetime_s),
        }
        return jwt.encode(claims, self._signing_key, algorithm="ES256", headers={"kid": self._key_id})

    def token_file(
        self, directory: Path, subject: str, tenant: str, roles: Iterable[str], lifetime_s: float = 86_400.0
    ) -> Path:
        """The token as `<tenant>.jwt`, the form in which services and the command line have theirs."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = directory / f"{tenant}.jwt"
        write_private(file, self.token(subject, tenant, roles, lifetime_s))
        return file

    def _stored_ca(self) -> x509.Certificate:
        file = self._directory / "ca.crt"
        if file.exists():
            stored = x509.load_pem_x509_certificate(file.read_bytes())
            if _lasts(stored) and stored.public_key() == self._ca_key.public_key():
                return stored
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Andon throw-away authority")])
        public = self._ca_key.public_key()
        certificate = (
            _unsigned(name, name, public, CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._ca_key, hashes.SHA256())
        )
        write_private(file, certificate.public_bytes(serialization.Encoding.PEM))
        return certificate

    def _still_good(self, files: CertificateFiles, sans: Sequence[str]) -> bool:
        if not (files.certificate.exists() and files.key.exists()):
            return False
        stored = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        try:
            stored.verify_directly_issued_by(self._ca)
        except Exception:  # The library raises several kinds; each means: not from this authority.
            return False
        names = stored.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = serialization.load_pem_private_key(files.key.read_bytes(), password=None)
        return (
            _lasts(stored) and key.public_key() == stored.public_key() and set(names) == set(map(_general_name, sans))
        )


def _kept_key(file: Path) -> ec.EllipticCurvePrivateKey:
    if file.exists():
        stored = serialization.load_pem_private_key(file.read_bytes(), password=None)
        if isinstance(stored, ec.EllipticCurvePrivateKey):
            return stored
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(file, _pem_key(key))
    return key


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _unsigned(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _lasts(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.now(UTC) > RENEWED_BEFORE_END


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _coordinates(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def _key_id(key: ec.EllipticCurvePrivateKey) -> str:
    """The key's RFC 7638 thumbprint."""
    canonical = json.dumps(_coordinates(key), sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
