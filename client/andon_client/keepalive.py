"""The channel and keepalive numbers that both ends of a connection must agree on."""

from __future__ import annotations

from collections.abc import Sequence

Option = tuple[str, int | str]

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
PING_INTERVAL_S = 30
PING_TIMEOUT_S = 10
# Half of what clients do, so that a clock that runs fast is not taken for a flood.
PING_INTERVAL_S_PERMITTED = 15
CONNECTION_AGE_S_MAX = 1800
CONNECTION_AGE_GRACE_S = 60
CONNECTION_IDLE_S_MAX = 600
# From the first packet of a connection until its settings are exchanged, TLS included.
HANDSHAKE_S_MAX = 10
CONCURRENT_STREAMS_MAX = 1000


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _both_ends(message_bytes_max: int) -> list[Option]:
    return [
        ("grpc.max_send_message_length", message_bytes_max),
        ("grpc.max_receive_message_length", message_bytes_max),
        ("grpc.keepalive_time_ms", _milliseconds(PING_INTERVAL_S)),
        ("grpc.keepalive_timeout_ms", _milliseconds(PING_TIMEOUT_S)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]


def channel_options(message_bytes_max: int = MESSAGE_BYTES_MAX) -> Sequence[Option]:
    return [*_both_ends(message_bytes_max), ("grpc.lb_policy_name", "round_robin")]


def server_options(
    message_bytes_max: int = MESSAGE_BYTES_MAX,
    connection_age_s_max: float = CONNECTION_AGE_S_MAX,
    reuse_port: bool = False,
    connection_idle_s_max: float = CONNECTION_IDLE_S_MAX,
    handshake_s_max: float = HANDSHAKE_S_MAX,
) -> Sequence[Option]:
    return [
        *_both_ends(message_bytes_max),
        ("grpc.http2.min_ping_interval_without_data_ms", _milliseconds(PING_INTERVAL_S_PERMITTED)),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _milliseconds(PING_INTERVAL_S_PERMITTED)),
        ("grpc.max_connection_age_ms", _milliseconds(connection_age_s_max)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(CONNECTION_AGE_GRACE_S)),
        ("grpc.max_connection_idle_ms", _milliseconds(connection_idle_s_max)),
        ("grpc.server_handshake_timeout_ms", _milliseconds(handshake_s_max)),
        ("grpc.max_concurrent_streams", CONCURRENT_STREAMS_MAX),
        # Two processes on one port by mistake would each get half of the calls.
        ("grpc.so_reuseport", int(reuse_port)),
    ]
