"""The secrets of the persons that batches name: remembered, read, or made."""

import hmac
import os
from collections import OrderedDict
from collections.abc import Iterable

from services.ingest.admission.persons import REFERENCE_BYTES, SECRET_BYTES, Persons, PersonSecret
from services.ingest.admission.tenant_keys import TenantKeys
from services.ingest.model import DAY_US
from services.ingest.registry.persons import PersonStore, StoredPerson, unwrapped, wrapped

REMEMBERED_MAX = 100_000
_ADVANCED_AT_ONCE = 1_000


class PersonSecrets:
    """Of one tenant. What is remembered holds until somebody is erased; `forget` is called then.

    period_days: how long a pseudonym stays, in event time; 0: for ever. horizon_days: how long after an event's time
    its pseudonym can still be made.
    """

    def __init__(self, keys: TenantKeys, period_days: int = 0, horizon_days: int = 0) -> None:
        self._keys = keys
        self._period_us = period_days * DAY_US
        self._horizon_us = horizon_days * DAY_US
        self._known: OrderedDict[str, PersonSecret] = OrderedDict()
        # The last erasure before the first of them was remembered.
        self._erased_at = 0

    async def of(
        self, values: Iterable[str], store: PersonStore, now_us: int, *, dry: bool = False, durable: bool = True
    ) -> Persons:
        """dry: who is unknown gets a sample of one. durable: what `store` makes is committed at once."""
        wanted = set(values)
        found = {value: self._known[value] for value in wanted & self._known.keys()}
        for value in found:
            self._known.move_to_end(value)
        if missing := wanted - found.keys():
            by_hash = {self._keys.person(value): value for value in missing}
            stored = await store.persons(list(by_hash))
            known = {by_hash[person]: self._opened(one) for person, one in stored.items()}
            if not dry and len(stored) < len(by_hash):
                version = self._oldest_version(now_us)
                made = []
                for person in by_hash.keys() - stored.keys():
                    secret = wrapped(self._keys.wrapping, person, os.urandom(SECRET_BYTES))
                    made.append(StoredPerson(person, os.urandom(REFERENCE_BYTES), version, secret))
                await store.create(made)
                # Another process may have been faster: its secret is the person's.
                stored = await store.persons(list(by_hash))
            # One that was made in a transaction that may yet fail is not remembered.
            fresh = {by_hash[person]: self._opened(one) for person, one in stored.items()}
            self._known.update(fresh if durable else known)
            while len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)
            found |= fresh
            for value in missing - fresh.keys():
                found[value] = self._sample(value, now_us)
        return Persons(found, self._period_us)

    async def forget(self, store: PersonStore) -> bool:
        """Forgets everybody if somebody was erased since; whether it did."""
        position = await store.last_erasure()
        if position == self._erased_at:
            return False
        self._erased_at = position
        self._known.clear()
        return True

    async def advance(self, store: PersonStore, now_us: int) -> None:
        """Makes the pseudonyms of periods behind the horizon nobody's."""
        version = self._oldest_version(now_us)
        while self._period_us and (behind := await store.before_version(version, _ADVANCED_AT_ONCE)):
            later = {one.person: self._opened(one).at(version).stored for one in behind}
            sealed = {person: wrapped(self._keys.wrapping, person, secret) for person, secret in later.items()}
            await store.advance(version, sealed)
            self._known.clear()

    def _oldest_version(self, now_us: int) -> int:
        return (now_us - self._horizon_us) // self._period_us if self._period_us else 0

    def _sample(self, value: str, now_us: int) -> PersonSecret:
        """The same each time, so that two trials can be compared; nothing that is stored is made with it."""
        digest = hmac.digest(self._keys.wrapping, b"sample" + self._keys.person(value), "sha512")
        return PersonSecret.of(digest, self._oldest_version(now_us), digest[:REFERENCE_BYTES])

    def _opened(self, stored: StoredPerson) -> PersonSecret:
        return PersonSecret.of(unwrapped(self._keys.wrapping, stored), stored.version, stored.reference)
