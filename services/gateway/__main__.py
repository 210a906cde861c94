"""The gateway as a process: `python -m services.gateway serve`."""

from __future__ import annotations

import asyncio

from services.gateway.application import Gateway
from services.gateway.error_mapping import said_to_machines
from services.gateway.record_writer import RecordWriter
from services.gateway.settings import GatewaySettings
from services.gateway.webhooks import BadWebhook, Webhooks
from services.runtime.command import run_command
from services.runtime.identity import TokenVerifier
from services.runtime.server import serve


async def run(settings: GatewaySettings, stop: asyncio.Event | None = None) -> None:
    try:
        webhooks = Webhooks(settings.webhooks_dir)
    except BadWebhook as error:
        raise SystemExit(f"webhooks_dir: {error}") from None
    verifier = TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience)
    writer = RecordWriter(settings)
    await serve(
        settings=settings,
        http=Gateway(settings, verifier, webhooks, writer),
        http_refusal=said_to_machines,
        closers=[writer.close],
        stop=stop,
    )


if __name__ == "__main__":
    run_command("gateway", __doc__, GatewaySettings, run)
