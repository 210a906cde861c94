"""A webhook's sender is known by its signature, as each product makes it, and by nothing less."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from pathlib import Path

import pytest

from services.gateway.signatures import SENDERS, HmacRule, NotProven, prove, sign
from services.gateway.webhooks import BadWebhook, Webhooks, parse_webhook

NOW_S = 1_767_600_000.0
SECRET = "a secret of some length"
BODY = b'{"action": "opened"}'


def github() -> HmacRule:
    rule = SENDERS["github"]
    assert isinstance(rule, HmacRule)
    return rule


def test_the_example_that_github_publishes_is_proven() -> None:
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    prove(github(), [secret], {"x-hub-signature-256": signature}, body, NOW_S)


def test_the_example_of_standard_webhooks_is_proven() -> None:
    rule = SENDERS["standard"]
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= "
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    prove(rule, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], headers, b'{"test": 2432232314}', 1614265330.0)


def test_zendesk_signs_the_time_and_the_body() -> None:
    stamp = "2026-01-05T08:00:00Z"
    digest = hmac.new(SECRET.encode(), stamp.encode() + BODY, hashlib.sha256).digest()
    headers = {
        "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
        "x-zendesk-webhook-signature-timestamp": stamp,
    }
    prove(SENDERS["zendesk"], [SECRET], headers, BODY, NOW_S)
    for late_s in (-301.0, 301.0):
        with pytest.raises(NotProven):
            prove(SENDERS["zendesk"], [SECRET], headers, BODY, NOW_S + late_s)


@pytest.mark.parametrize("name", [name for name, rule in SENDERS.items() if isinstance(rule, HmacRule)])
def test_what_is_signed_otherwise_is_not_proven(name: str) -> None:
    rule = SENDERS[name]
    assert isinstance(rule, HmacRule)
    stamp = str(int(NOW_S))
    parts = {"{timestamp}": stamp, "{id}": "m1", "{body}": BODY.decode()}
    content = rule.signed
    for place, text in parts.items():
        content = content.replace(place, text)
    headers = {rule.header: sign(rule, SECRET, content.encode())}
    headers |= {header: text for header, text in ((rule.timestamp_header, stamp), (rule.id_header, "m1")) if header}
    prove(rule, [SECRET], headers, BODY, NOW_S)
    prove(rule, ["another one, the newer", SECRET], headers, BODY, NOW_S)
    bad = [
        ({**headers, rule.header: ""}, BODY, [SECRET]),
        ({**headers, rule.header: rule.prefix}, BODY, [SECRET]),
        ({**headers, rule.header: "zz not hex, nor base64 é"}, BODY, [SECRET]),
        ({name: text for name, text in headers.items() if name != rule.header}, BODY, [SECRET]),
        (headers, BODY + b" ", [SECRET]),
        (headers, BODY, [SECRET + "x"]),
        (headers, BODY, []),
    ]
    if rule.timestamp_header:
        bad += [({**headers, rule.timestamp_header: text}, BODY, [SECRET]) for text in ("", "soon", "9" * 400, "NaN")]
    for given, body, secrets in bad:
        with pytest.raises(NotProven):
            prove(rule, secrets, given, body, NOW_S)


def test_an_empty_signature_of_an_undecodable_text_proves_nothing() -> None:
    with pytest.raises(NotProven):
        prove(replace(github(), prefix=""), [SECRET], {"x-hub-signature-256": "0"}, BODY, NOW_S)


@pytest.mark.parametrize(("scale", "tolerance_s"), [(1, 300.0), (1000, 300.0)])
def test_times_are_seconds_or_milliseconds(scale: int, tolerance_s: float) -> None:
    rule = HmacRule("sig", signed="{timestamp}.{body}", timestamp_header="at", tolerance_s=tolerance_s)
    stamp = str(int(NOW_S * scale))
    headers = {"sig": sign(rule, SECRET, stamp.encode() + b"." + BODY), "at": stamp}
    prove(rule, [SECRET], headers, BODY, NOW_S + 200)


def test_products_that_do_not_sign_show_the_secret() -> None:
    prove(SENDERS["freshdesk"], [SECRET], {"x-andon-secret": SECRET}, BODY, NOW_S)
    basic = "Basic " + base64.b64encode(f"andon:{SECRET}".encode()).decode()
    prove(SENDERS["servicenow"], [SECRET], {"authorization": basic}, BODY, NOW_S)
    for name, header, text in (("freshdesk", "x-andon-secret", SECRET[:-1]), ("servicenow", "authorization", SECRET)):
        with pytest.raises(NotProven):
            prove(SENDERS[name], [SECRET], {header: text}, BODY, NOW_S)


GOOD = "tenant: main\nsource: support\nsender: github\nsecrets: [a-secret-of-some-length]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("github", "gitlab"), "sender"),
        (GOOD.replace("a-secret-of-some-length", "short"), "secrets.0"),
        (GOOD.replace("[a-secret-of-some-length]", "[]"), "secrets"),
        (GOOD.replace("secrets", "secret"), "secrets: Field required; secret: Extra inputs"),
        (GOOD.replace("support", "Support Desk"), "source"),
        (GOOD.replace("main", "../main"), "tenant"),
        (GOOD.replace("github", "signed"), "signature is given if and only if"),
        (GOOD + "signature: {header: X-S}\n", "signature is given if and only if"),
        (GOOD.replace("github", "signed") + "signature: {header: X-S, signed: '{timestamp}{body}'}\n", "timestamp"),
        (GOOD.replace("github", "signed") + "signature: {header: X-S, signed: fixed}\n", "must have {body}"),
        (GOOD.replace("github", "signed") + "signature: {header: X-S, algorithm: md5}\n", "signature.algorithm"),
        ("[", "no YAML"),
        ("", "the document"),
    ],
)
def test_a_webhook_at_fault_is_refused_by_its_key_and_shows_no_secret(text: str, said: str) -> None:
    with pytest.raises(BadWebhook) as refused:
        parse_webhook("desk", text)
    assert said in str(refused.value)
    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize("source", ["_reports", "x" * 64])
def test_a_webhook_writes_to_any_source_that_ingest_has(source: str) -> None:
    assert parse_webhook("desk", GOOD.replace("support", source)).source == source


def test_a_folder_is_read_again_when_it_changes_and_a_bad_file_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("services.gateway.webhooks.time.monotonic", lambda: clock[0])
    file = tmp_path / "desk.yaml"
    file.write_text(GOOD, encoding="utf-8")
    webhooks = Webhooks(tmp_path)
    assert webhooks.get("desk") is not None
    assert webhooks.get("other") is None
    file.write_text(GOOD.replace("github", "gitlab"), encoding="utf-8")
    clock[0] += 2
    before = webhooks.get("desk")
    assert before is not None
    assert before.sender == "github"
    file.write_text(GOOD.replace("github", "jira") + "fields: {delivery: X-Delivery}\n", encoding="utf-8")
    clock[0] += 2
    changed = webhooks.get("desk")
    assert changed is not None
    assert (changed.sender, dict(changed.fields)) == ("jira", {"delivery": "x-delivery"})
    file.unlink()
    clock[0] += 2
    assert webhooks.get("desk") is None
    assert Webhooks(None).get("desk") is None
