"""How the sender of a webhook proves that it knows the secret, product by product."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Algorithm = Literal["sha1", "sha256", "sha384", "sha512"]
Encoding = Literal["hex", "base64"]

# Of Standard Webhooks: what follows is the key in base64.
KEY_PREFIX = "whsec_"
MILLISECONDS_FROM = 100_000_000_000
TOLERANCE_S = 300.0
_PLACE = re.compile(r"\{(timestamp|id|body)\}")


class NotProven(Exception):
    """The secret, the signature or the time is not right. Which, is nothing that a stranger should learn."""


@dataclass(frozen=True)
class HmacRule:
    """`header` holds the signature, or several with spaces or commas between; `signed` is what is signed.

    `timestamp_header`: seconds or milliseconds since 1970, or ISO 8601; at most `tolerance_s` from the clock here.
    """

    header: str
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    id_header: str = ""
    tolerance_s: float = TOLERANCE_S


@dataclass(frozen=True)
class SecretRule:
    """`header` holds the secret itself, behind a prefix. With `user`: as basic authentication of that user."""

    header: str
    prefix: str = ""
    user: str = ""


Rule = HmacRule | SecretRule

SENDERS: Mapping[str, Rule] = {
    "github": HmacRule("x-hub-signature-256", prefix="sha256="),
    "jira": HmacRule("x-hub-signature", prefix="sha256="),
    "zammad": HmacRule("x-hub-signature", algorithm="sha1", prefix="sha1="),
    "zendesk": HmacRule(
        "x-zendesk-webhook-signature",
        encoding="base64",
        signed="{timestamp}{body}",
        timestamp_header="x-zendesk-webhook-signature-timestamp",
    ),
    # https://www.standardwebhooks.com
    "standard": HmacRule(
        "webhook-signature",
        encoding="base64",
        prefix="v1,",
        signed="{id}.{timestamp}.{body}",
        timestamp_header="webhook-timestamp",
        id_header="webhook-id",
    ),
    # Its automation rules sign nothing, and send headers of one's own.
    "freshdesk": SecretRule("x-andon-secret"),
    # The authentication that its REST messages have.
    "servicenow": SecretRule("authorization", user="andon"),
}


def prove(rule: Rule, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    """Raises NotProven. Any of the secrets will do, so that one can be replaced. `headers`: by name in lower case."""
    given = headers.get(rule.header, "")
    if isinstance(rule, SecretRule):
        expected = [_shown(rule, secret) for secret in secrets]
        if not any(hmac.compare_digest(given.encode(), one.encode()) for one in expected):
            raise NotProven
        return
    content = _signed(rule, headers, body, now_s)
    found = [_decoded(rule, one) for one in _candidates(rule, given)]
    made = [hmac.digest(_key(secret), content, rule.algorithm) for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in found for other in made):
        raise NotProven


def sign(rule: HmacRule, secret: str, content: bytes) -> str:
    """What the header holds for `content`, as a sender makes it."""
    digest = hmac.digest(_key(secret), content, rule.algorithm)
    return rule.prefix + (digest.hex() if rule.encoding == "hex" else base64.b64encode(digest).decode("ascii"))


def _shown(rule: SecretRule, secret: str) -> str:
    if not rule.user:
        return rule.prefix + secret
    return "Basic " + base64.b64encode(f"{rule.user}:{secret}".encode()).decode("ascii")


def _key(secret: str) -> bytes:
    if not secret.startswith(KEY_PREFIX):
        return secret.encode()
    return base64.b64decode(secret.removeprefix(KEY_PREFIX))


def _candidates(rule: HmacRule, given: str) -> list[str]:
    # The prefix of Standard Webhooks has a comma in it, so it is spaces that part them.
    parts = given.split() if "," in rule.prefix else re.split(r"[\s,]+", given.strip())
    return [part.removeprefix(rule.prefix) for part in parts if part.startswith(rule.prefix)]


def _decoded(rule: HmacRule, text: str) -> bytes:
    try:
        return bytes.fromhex(text) if rule.encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _signed(rule: HmacRule, headers: Mapping[str, str], body: bytes, now_s: float) -> bytes:
    timestamp = headers.get(rule.timestamp_header, "") if rule.timestamp_header else ""
    if rule.timestamp_header and not abs(_seconds(timestamp) - now_s) <= rule.tolerance_s:
        raise NotProven
    parts = {"timestamp": timestamp.encode(), "id": headers.get(rule.id_header, "").encode(), "body": body}
    pieces = _PLACE.split(rule.signed)
    return b"".join(parts[one] if number % 2 else one.encode() for number, one in enumerate(pieces))


def _seconds(text: str) -> float:
    try:
        if text.isascii() and text.isdigit():
            number = int(text)
            return number / 1000 if number >= MILLISECONDS_FROM else float(number)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise NotProven from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
