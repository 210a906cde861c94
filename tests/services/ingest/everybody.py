"""Persons for tests of admission: everybody has a secret, derived from the name so that it is the same each time."""

from hashlib import sha512

from services.ingest.admission.persons import Persons, PersonSecret


class _Derived(dict[str, PersonSecret]):
    def __init__(self, tenant: str) -> None:
        super().__init__()
        self._tenant = tenant

    def __missing__(self, value: str) -> PersonSecret:
        digest = sha512(f"{self._tenant}/{value}".encode()).digest()
        return PersonSecret.of(digest, 0, digest[:12])


def everybody(tenant: str = "acme", period_us: int = 0) -> Persons:
    return Persons(_Derived(tenant), period_us)


EVERYBODY = everybody()
