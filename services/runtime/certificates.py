"""The process's TLS files, read again when they are rotated."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import grpc
import structlog

log = structlog.get_logger(__name__)

Stamps = tuple[tuple[int, int], ...]

HTTP_VERSIONS = ["h2", "http/1.1"]
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class ServerCertificates:
    """A caller sees our certificate as it is on disk now. Over gRPC it needs one from the authority itself (mTLS)."""

    def __init__(self, ca_file: Path, cert_file: Path, key_file: Path) -> None:
        self._ca_file, self._cert_file, self._key_file = ca_file, cert_file, key_file
        self._stamps = self._look()

    def credentials(self) -> grpc.ServerCredentials:
        return grpc.dynamic_ssl_server_credentials(self._configuration(), self.changed, True)

    def changed(self) -> Any:
        """Asked by gRPC before every handshake, on a thread of its own; None means: as before."""
        try:
            stamps = self._look()
            if stamps == self._stamps:
                return None
            configuration = self._configuration()
        except OSError as error:
            log.warning("certificates unreadable", error=type(error).__name__)
            return None
        self._stamps = stamps
        return configuration

    def http_context(self) -> ssl.SSLContext:
        """Of HTTP: browsers have no certificates, so none is asked for."""
        context = self._http_context()
        newest = context

        def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            nonlocal newest
            try:
                stamps = self._look()
                if stamps != self._stamps:
                    newest, self._stamps = self._http_context(), stamps
            except (OSError, ssl.SSLError) as error:
                log.warning("certificates unreadable", error=type(error).__name__)
            connection.context = newest

        # Asked at the beginning of every handshake.
        context.sni_callback = choose
        return context

    def _http_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._cert_file, self._key_file)
        # What HTTP/2 asks of TLS (RFC 9113, section 9.2).
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.set_alpn_protocols(HTTP_VERSIONS)
        return context

    def _look(self) -> Stamps:
        files = (self._ca_file, self._cert_file, self._key_file)
        return tuple((status.st_mtime_ns, status.st_ino) for status in (file.stat() for file in files))

    def _configuration(self) -> Any:
        pair = (self._key_file.read_bytes(), self._cert_file.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=self._ca_file.read_bytes())
