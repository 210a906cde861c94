"""The folder of a suite on one machine: where everything lies."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from services.machine.passwords import Passwords
from services.machine.ports import free_port
from services.runtime.private_files import hold, write_private

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
    def webhooks(self) -> Path:
        """Webhooks of the gateway with their secrets."""
        return self._folder("webhooks")

    @property
    def connections(self) -> Path:
        """Of the bridge: connections.yaml and the secrets that it names."""
        return self._folder("bridge")

    @property
    def passwords(self) -> Passwords:
        """Of the services' own roles on a Postgres that is run elsewhere; the embedded one has its own."""
        return Passwords(self.folder / "passwords.json")

    @property
    def user_token(self) -> Path:
        return self.folder / "token.jwt"

    def hold(self) -> IO[str]:
        """Holds the folder for one suite until the answer is closed."""
        # Open to pass through: Postgres may run as a user of its own. What is secret is closed file by file.
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        return hold(self.folder / "suite.lock")

    def tokens(self, service: str) -> Path:
        return self._folder("tokens", service)

    def tenants(self) -> list[str]:
        """Tenants that were provisioned here."""
        return sorted({path.stem for path in self._folder("tokens").glob("*/*.jwt")})

    def log_file(self, child: str) -> Path:
        return self._folder("logs") / f"{child}.log"

    def endpoint_file(self, child: str) -> Path:
        return self._folder("run") / f"{child}.json"

    def key_file(self) -> Path:
        """Secret of the pseudonyms and of the quarantine; made once, never replaced: pseudonyms must stay the same."""
        path = self._folder("keys") / "tenant.key"
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return path

    def port(self, child: str) -> int:
        """The child's port: the same at every start while it is free, so that clients find it again."""
        path = self.folder / "ports.json"
        ports: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        port = free_port(ports.get(child), taken=ports.values())
        if ports.get(child) != port:
            write_private(path, json.dumps({**ports, child: port}, indent=2))
        return port

    def _folder(self, *parts: str) -> Path:
        path = self.folder.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path
