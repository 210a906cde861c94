"""A page in the text format of Prometheus, read at intervals: each sample is a record of its series and time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import ssl
import time
import urllib.request
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from services.bridge.connections import PrometheusConnection
from services.bridge.record_sink import RecordSink

READ_S_MAX = 10.0
PAGE_BYTES_MAX = 64 << 20
DIGEST_DIGITS = 32
ACCEPT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"


class PageTooLarge(ValueError):
    """The page has more than is read."""


class ScrapedPage:
    """`token`: sent as a bearer token, if any. `authority`: certificates (PEM) to trust instead of the system's."""

    def __init__(
        self, connection: PrometheusConnection, sink: RecordSink, token: str = "", authority: str = ""
    ) -> None:
        self._connection = connection
        self._sink = sink
        self._token = token
        self._trusted = ssl.create_default_context(cadata=authority or None)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        while True:
            now = datetime.fromtimestamp(time.time(), UTC)
            text = await asyncio.to_thread(self._page)
            records = await asyncio.to_thread(sample_records, text, now, self._connection.metrics)
            await self._sink.write(records)
            # What was late is not made up for: there is nothing older to read.
            next_s = max(next_s + self._connection.every_s, loop.time())
            await asyncio.sleep(next_s - loop.time())

    def _page(self) -> str:
        headers = {"Accept": ACCEPT} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        request = urllib.request.Request(self._connection.url, headers=headers)
        context = self._trusted if self._connection.url.startswith("https") else None
        with urllib.request.urlopen(request, timeout=READ_S_MAX, context=context) as answer:
            content: bytes = answer.read(PAGE_BYTES_MAX + 1)
        if len(content) > PAGE_BYTES_MAX:
            raise PageTooLarge(f"the page has more than {PAGE_BYTES_MAX} bytes")
        return content.decode()


def sample_records(text: str, now: datetime, metrics: Collection[str] = ()) -> list[bytes]:
    """`metrics`: names of samples or of their families. A sample with a time of its own has that one."""
    records = []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if metrics and sample.name not in metrics and family.name not in metrics:
                continue
            stamp = sample.timestamp
            moment = now if stamp is None else datetime.fromtimestamp(float(stamp), UTC)
            value = sample.value
            record = {
                "series": series_of(sample.name, sample.labels),
                "name": sample.name,
                "family": family.name,
                "kind": family.type,
                "labels": dict(sample.labels),
                "time": moment.isoformat(timespec="microseconds"),
                "value": value if math.isfinite(value) else str(value),
            }
            records.append(json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return records


def series_of(name: str, labels: Mapping[str, str]) -> str:
    """The same for every sample of a series, in whatever order its labels come."""
    canonical = json.dumps([name, sorted(labels.items())], ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_DIGITS]
