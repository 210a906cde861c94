"""Both ends of a connection agree on pings and sizes."""

from __future__ import annotations

from andon_client.keepalive import channel_options, server_options


def test_clients_ping_no_more_often_than_servers_permit() -> None:
    client, server = dict(channel_options()), dict(server_options())
    assert int(client["grpc.keepalive_time_ms"]) > int(server["grpc.http2.min_recv_ping_interval_without_data_ms"])
    assert client["grpc.keepalive_permit_without_calls"] == server["grpc.keepalive_permit_without_calls"] == 1


def test_messages_of_one_size_pass_in_both_directions() -> None:
    client, server = dict(channel_options(5000)), dict(server_options(5000))
    names = ("grpc.max_send_message_length", "grpc.max_receive_message_length")
    assert [client[name] for name in names] == [server[name] for name in names] == [5000, 5000]
