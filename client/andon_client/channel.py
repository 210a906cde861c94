"""One way to open a channel: mTLS, a bearer token, retries by service config, trace context on every call."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc

from andon_client.keepalive import Option, channel_options
from andon_client.renewal import Channels, RenewedChannel
from andon_client.tracing import tracing_interceptors

# Every mutation carries a request id and every event an id, so a retry has no second effect.
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ]
}


def _authority(target: str) -> Sequence[Option]:
    """Of a list of addresses gRPC takes the whole list for the name that certificates must hold.

    >>> _authority("ipv4:127.0.0.1:7443,127.0.0.1:7444")
    [('grpc.default_authority', '127.0.0.1')]
    >>> _authority("ipv6:[::1]:7443,[::1]:7444")
    [('grpc.default_authority', '[::1]')]
    >>> _authority("ingest.andon.svc:7443")
    []
    """
    scheme, _, addresses = target.partition(":")
    if scheme not in ("ipv4", "ipv6"):
        return []
    return [("grpc.default_authority", addresses.split(",")[0].rpartition(":")[0])]


def open_channel(
    target: str,
    *,
    ca_file: Path,
    cert_file: Path,
    key_file: Path,
    token: str | Callable[[], str],
    locale: str = "en",
    options: Sequence[Option] = (),
) -> grpc.aio.Channel:
    """A channel to `target`. Certificates and a token that is asked for may be renewed while it is open.

    `target` may list the addresses of several replicas, `ipv4:10.0.0.1:7443,10.0.0.2:7443`: their certificates must
    all hold the first one's host, since a channel checks one name.

    The token is metadata of each call. Call credentials would ask for it in a thread of gRPC, which can wait for ever
    for a channel that is being closed. A call whose token cannot be read is UNAVAILABLE, and may be tried again.

    Calls that send a stream of requests go over a channel on which gRPC does not retry; the caller has to. gRPC aborts
    the process ("promise_based_filter.cc: ILLEGAL STATE: FORWARDED_BATCH", grpc/grpc issue 40283, seen up to 1.85.1)
    where a message is written while its own retry sends an earlier one again: what outgrew the buffer of retries is
    committed to the new attempt as soon as the repetition has begun, and the next message does not wait for its end.
    """
    settings = dict([*channel_options(), *_authority(target)])
    retried = {"grpc.enable_retries": 1, "grpc.service_config": json.dumps(SERVICE_CONFIG)}
    others = settings | retried | dict(options)
    uploads = settings | dict(options) | {"grpc.enable_retries": 0}

    def opened() -> Channels:
        tls = grpc.ssl_channel_credentials(
            root_certificates=ca_file.read_bytes(),
            private_key=key_file.read_bytes(),
            certificate_chain=cert_file.read_bytes(),
        )
        return Channels(
            *(
                grpc.aio.secure_channel(target, tls, options=list(chosen.items()), interceptors=tracing_interceptors())
                for chosen in (others, uploads)
            )
        )

    def metadata() -> Sequence[tuple[str, str]]:
        try:
            current = token() if callable(token) else token
        except OSError as error:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, str(error)) from error
        return ("authorization", f"Bearer {current}"), ("accept-language", locale)

    return RenewedChannel((ca_file, cert_file, key_file), opened, metadata)
