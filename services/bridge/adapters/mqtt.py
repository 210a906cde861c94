"""Topics of an MQTT broker: a message is acknowledged when it is durable, and until then the broker has it."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from queue import SimpleQueue
from typing import Any

import structlog
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from services.bridge.connections import MqttConnection
from services.bridge.message_record import message_record
from services.bridge.record_sink import RecordSink

AT_LEAST_ONCE = 1
# What the broker sends before the first of it is acknowledged.
UNACKNOWLEDGED_MAX = 2_000
KEEPALIVE_S = 30
# What arrives meanwhile shares a call to ingest.
GATHER_S = 0.02
DIGEST_DIGITS = 32

log = structlog.get_logger(__name__)


class Disconnected(ConnectionError):
    """The broker ended the connection, or never took it."""


class SubscribedTopics:
    def __init__(self, connection: MqttConnection, sink: RecordSink, password: str = "", authority: str = "") -> None:
        self._connection = connection
        self._sink = sink
        self._password = password
        self._authority = authority

    async def run(self) -> None:
        """Ends with Disconnected; the session of the broker has what was not acknowledged."""
        # Looked into now and then: to wake the event loop for each message would take longer than to read it.
        arrived: SimpleQueue[MQTTMessage | Disconnected] = SimpleQueue()
        put = arrived.put
        client = self._client()

        def on_connect(_: Client, __: Any, ___: Any, reason: Any, ____: Any) -> None:
            if reason.is_failure:
                put(Disconnected(str(reason)))
                return
            client.subscribe([(topic, AT_LEAST_ONCE) for topic in self._connection.topics])

        client.on_connect = on_connect
        client.on_message = lambda _, __, message: put(message)
        client.on_disconnect = lambda _, __, ___, reason, ____: put(Disconnected(str(reason)))
        try:
            await asyncio.to_thread(self._connect, client)
            client.loop_start()
            while True:
                await self._take(client, arrived)
        finally:
            client.on_disconnect = None
            # The session outlives the connection, for as long as was asked for when it began.
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    async def _take(self, client: Client, arrived: SimpleQueue[MQTTMessage | Disconnected]) -> None:
        """All that is there is written at once; only then is it acknowledged."""
        messages: list[MQTTMessage | Disconnected] = []
        await asyncio.sleep(GATHER_S)
        while not arrived.empty():
            messages.append(arrived.get_nowait())
        taken = [one for one in messages if isinstance(one, MQTTMessage)]
        if taken:
            await self._sink.write(await asyncio.to_thread(list, map(_record, taken)))
            await asyncio.to_thread(lambda: [client.ack(message.mid, message.qos) for message in taken])
        for one in messages:
            if isinstance(one, Disconnected):
                raise one

    def _client(self) -> Client:
        name = self._connection.client or f"andon-{self._connection.tenant}-{self._connection.name}"
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5, manual_ack=True)
        if self._connection.user:
            client.username_pw_set(self._connection.user, self._password)
        if self._connection.tls:
            context = ssl.create_default_context(cadata=self._authority or None)
            client.tls_set_context(context)
        return client

    def _connect(self, client: Client) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._connection.session_s
        properties.ReceiveMaximum = UNACKNOWLEDGED_MAX
        client.connect(
            self._connection.host, self._connection.port, KEEPALIVE_S, clean_start=False, properties=properties
        )


def _record(message: MQTTMessage) -> bytes:
    """A message has no id of its own: topic and content make one, so a message should hold its time or its number."""
    digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload).hexdigest()[:DIGEST_DIGITS]
    about = {"topic": message.topic, "digest": digest, "retained": message.retain}
    return message_record(about, bytes(message.payload))
