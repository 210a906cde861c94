"""One way to open a channel: mTLS, a bearer token, retries by service config, trace context on every call."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc

from andon_client.keepalive import Option, channel_options
from andon_client.renewal import RenewedChannel
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


class _Bearer(grpc.AuthMetadataPlugin):
    """Asks for the token at each call, so that a renewed one is picked up."""

    def __init__(self, token: Callable[[], str], locale: str) -> None:
        self._token = token
        self._locale = locale

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        try:
            callback((("authorization", f"Bearer {self._token()}"), ("accept-language", self._locale)), None)
        except OSError as error:
            callback((), error)


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
    """
    current = token if callable(token) else lambda: token
    bearer = grpc.metadata_call_credentials(_Bearer(current, locale), name="andon-bearer")
    settings = [
        *channel_options(),
        *_authority(target),
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        *options,
    ]

    def opened() -> grpc.aio.Channel:
        tls = grpc.ssl_channel_credentials(
            root_certificates=ca_file.read_bytes(),
            private_key=key_file.read_bytes(),
            certificate_chain=cert_file.read_bytes(),
        )
        credentials = grpc.composite_channel_credentials(tls, bearer)
        return grpc.aio.secure_channel(target, credentials, options=settings, interceptors=tracing_interceptors())

    return RenewedChannel((ca_file, cert_file, key_file), opened)
