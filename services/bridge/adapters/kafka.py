"""Topics of Kafka: an offset is committed when everything before it is durable; the group shares out the partitions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.bridge.connections import KafkaConnection
from services.bridge.message_record import message_record
from services.bridge.record_sink import RecordSink

MESSAGES_MAX = 2_000
WAIT_S_MAX = 0.5
NO_TIMESTAMP = 0
# What time cures: the client itself goes on, and takes up a topic when it is there.
PASSING = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._PARTITION_EOF,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)

log = structlog.get_logger(__name__)


class ConsumedTopics:
    """`member`: this process in the group, whose partitions it takes back at once. `secrets`: options from files."""

    def __init__(self, connection: KafkaConnection, sink: RecordSink, member: str, secrets: Mapping[str, str]) -> None:
        self._connection = connection
        self._member = member
        self._sink = sink
        self._secrets = secrets

    async def run(self) -> None:
        consumer = await asyncio.to_thread(self._consumer)
        try:
            while True:
                messages = await asyncio.to_thread(consumer.consume, MESSAGES_MAX, WAIT_S_MAX)
                taken = [one for one in messages if not _is_passing(one)]
                if taken:
                    await self._sink.write(await asyncio.to_thread(list, map(_record, taken)))
                    await asyncio.to_thread(_commit, consumer, taken)
        finally:
            await asyncio.to_thread(consumer.close)

    def _consumer(self) -> Consumer:
        options: dict[str, Any] = {
            "auto.offset.reset": "earliest",
            "group.instance.id": f"{self._member}-{self._connection.name}",
            **self._connection.options,
            **self._secrets,
            "bootstrap.servers": self._connection.brokers,
            "group.id": self._connection.group,
            # What is committed is what is durable, and nothing that was only read.
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        }
        consumer = Consumer(options)
        consumer.subscribe(list(self._connection.topics))
        return consumer


def _is_passing(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() not in PASSING and not error.retriable():
        raise KafkaException(error)
    log.warning("kafka", code=error.name())
    return True


def _commit(consumer: Consumer, messages: Sequence[Message]) -> None:
    """Behind the last message of each partition."""
    ends: dict[tuple[str, int], int] = {}
    for one in messages:
        place = str(one.topic()), int(one.partition() or 0)
        ends[place] = max(ends.get(place, 0), int(one.offset() or 0) + 1)
    offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in ends.items()]
    try:
        consumer.commit(offsets=offsets, asynchronous=False)
    except KafkaException as error:
        # A partition that another replica has now is read again there, and makes the same ids.
        log.warning("offsets not committed", code=error.args[0].name())


def _record(message: Message) -> bytes:
    kind, milliseconds = message.timestamp()
    moment = None if kind == NO_TIMESTAMP else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    key = message.key()
    about = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "key": key.decode("utf-8", "replace") if isinstance(key, bytes) else key,
        "time": moment,
    }
    value = message.value()
    return message_record(about, value.encode() if isinstance(value, str) else value)
