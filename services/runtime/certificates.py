"""The process's TLS files, read again when they are rotated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import structlog

log = structlog.get_logger(__name__)

Stamps = tuple[tuple[int, int], ...]


class ServerCertificates:
    """mTLS credentials: a caller needs a certificate from the authority, and sees ours as it is on disk now."""

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

    def _look(self) -> Stamps:
        files = (self._ca_file, self._cert_file, self._key_file)
        return tuple((status.st_mtime_ns, status.st_ino) for status in (file.stat() for file in files))

    def _configuration(self) -> Any:
        pair = (self._key_file.read_bytes(), self._cert_file.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=self._ca_file.read_bytes())
