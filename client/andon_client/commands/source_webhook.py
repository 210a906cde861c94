"""`andon source webhook`: a webhook for a source, with a random secret, and what its sender has to be given."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.markup import escape

from andon_client.commands.filters import Json
from andon_client.connection import Connection
from andon_client.presentation.phrases import LocalisedError, say
from andon_client.terminal import Context, emit_document, notes

SECRET_BYTES = 32
# Of Standard Webhooks: the key in base64 behind this.
KEY_PREFIX = "whsec_"
SIGNATURE = {"header": "X-Signature", "signed": "{timestamp}.{body}", "timestamp_header": "X-Timestamp"}
# A header that names the delivery, for mappings that make ids of it.
DELIVERY = {"github": "X-GitHub-Delivery", "standard": "webhook-id", "jira": "X-Atlassian-Webhook-Identifier"}


class UnreadableToken(LocalisedError):
    """The caller's token does not say whose it is."""


class Sender(Enum):
    GITHUB = "github"
    JIRA = "jira"
    ZAMMAD = "zammad"
    ZENDESK = "zendesk"
    STANDARD = "standard"
    FRESHDESK = "freshdesk"
    SERVICENOW = "servicenow"
    SIGNED = "signed"


def webhook(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Id of the source, for example zendesk.")],
    sender: Annotated[Sender, typer.Option("--sender", help="Who sends, and so how it proves that it may.")],
    secret: Annotated[
        str, typer.Option("--secret", help="The secret that the sender has made. Default: a random one.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="File of the webhook. Default: standard output."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a webhook for a source: a file for the gateway, the address, and how the sender signs."""
    options: Context = context.obj
    connection = options.connection()
    chosen = secret or _random(sender)
    document: dict[str, Any] = {
        "tenant": _tenant(connection),
        "source": name,
        "sender": sender.value,
        "secrets": [chosen],
    }
    if sender is Sender.SIGNED:
        document["signature"] = SIGNATURE
    if sender.value in DELIVERY:
        document["fields"] = {"delivery": DELIVERY[sender.value]}
    place = connection.targets.get("gateway", "GATEWAY:8443").removeprefix("ipv4:").partition(",")[0]
    address = f"https://{place}/v1/webhooks/{output.stem if output else name}"
    if as_json:
        emit_document({"webhook": document, "address": address})
    elif output is None:
        sys.stdout.write(yaml.safe_dump(document, sort_keys=False))
    if output is not None:
        _write_private(output, yaml.safe_dump(document, sort_keys=False))
    if not as_json:
        said = say(f"webhook_{sender.value}", options.locale, secret=chosen)
        for line in (say("webhook_address", options.locale, address=address), said):
            notes.print(escape(line), highlight=False, soft_wrap=True)


def _random(sender: Sender) -> str:
    key = secrets.token_bytes(SECRET_BYTES)
    return KEY_PREFIX + base64.b64encode(key).decode("ascii") if sender is Sender.STANDARD else key.hex()


def _tenant(connection: Connection) -> str:
    """Of the caller's token; the services verify it."""
    try:
        _, body, _ = connection.token().split(".")
        return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["tenant"])
    except (ValueError, KeyError) as error:
        raise UnreadableToken("unreadable_token", path=connection.token_file) from error


def _write_private(path: Path, text: str) -> None:
    """There whole or not at all, and for its owner's eyes only."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(path)
