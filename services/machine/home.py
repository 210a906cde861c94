"""The folder of a suite on one machine: where everything lies."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

DEFAULT = Path(".andon")


@dataclass(frozen=True)
class Home:
    folder: Path

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def authority(self) -> Path:
        return self.folder / "authority"

    @property
    def passwords_file(self) -> Path:
        return self.folder / "passwords.json"

    @property
    def user_token(self) -> Path:
        return self.folder / "token.jwt"

    def tokens(self, service: str) -> Path:
        return self._folder("tokens", service)

    def tenants(self) -> list[str]:
        """Whoever was founded here before."""
        return sorted({path.stem for path in self._folder("tokens").glob("*/*.jwt")})

    def log_file(self, child: str) -> Path:
        return self._folder("logs") / f"{child}.log"

    def endpoint_file(self, child: str) -> Path:
        return self._folder("run") / f"{child}.json"

    def key_file(self) -> Path:
        """Secret of the pseudonyms and of the quarantine; made once, never replaced: pseudonyms must stay the same."""
        path = self._folder("keys") / "tenant.key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), encoding="ascii")
        return path

    def port(self, child: str) -> int:
        """The child's port: the same at every start while it is free, so that clients find it again."""
        path = self.folder / "ports.json"
        ports: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if child not in ports or not _is_free(ports[child]):
            ports[child] = _free_port(set(ports.values()))
            path.write_text(json.dumps(ports, indent=2), encoding="utf-8")
        return ports[child]

    def _folder(self, *parts: str) -> Path:
        path = self.folder.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port(taken: set[int]) -> int:
    # Below the range that the kernel hands out to outgoing connections, so that a kept port stays free.
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if port not in taken and _is_free(port):
            return port
