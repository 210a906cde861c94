"""Settings come from the environment, are refused when they make no sense, and are all in the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from services.runtime.metrics import RUNTIME_METRICS
from services.runtime.settings import HttpSettings, RuntimeSettings

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
FILES = {"TLS_CA_FILE": "a", "TLS_CERT_FILE": "b", "TLS_KEY_FILE": "c", "JWKS_FILE": "d"}


class DeskSettings(RuntimeSettings):
    model_config = SettingsConfigDict(env_prefix="ANDON_DESK_")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(**values: str) -> None:
        for name, value in {**FILES, **values}.items():
            monkeypatch.setenv(f"ANDON_DESK_{name}", value)

    return set_to


def test_a_service_reads_its_own_prefix(environment: Any) -> None:
    environment(GRACE_S="7.5", LISTEN="127.0.0.1:0")
    settings = DeskSettings.from_environment()
    assert (settings.grace_s, settings.listen) == (7.5, "127.0.0.1:0")


@pytest.mark.parametrize(
    ("name", "value"),
    [("GRACE_S", "-1"), ("STALL_S", "0"), ("LOG_LEVEL", "loud"), ("MESSAGE_BYTES_MAX", "many"), ("TRACE_RATIO", "2")],
)
def test_a_setting_that_makes_no_sense_is_named(environment: Any, name: str, value: str) -> None:
    environment(**{name: value})
    with pytest.raises(ValidationError, match=name.lower()):
        DeskSettings.from_environment()


def test_settings_do_not_change_and_do_not_show_passwords(environment: Any) -> None:
    environment(DSN="postgresql://desk:hunter2@host/db")
    settings = DeskSettings.from_environment()
    assert "hunter2" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.grace_s = 1.0


def test_the_tokens_folder_names_the_tenants(environment: Any, tmp_path: Path) -> None:
    for tenant in ("umbrella", "acme"):
        (tmp_path / f"{tenant}.jwt").write_text(f"token of {tenant}\n")
    environment(TOKENS_DIR=str(tmp_path))
    settings = DeskSettings.from_environment()
    assert settings.tenants() == ["acme", "umbrella"]
    assert settings.token("acme") == "token of acme"


FIELDS = {**RuntimeSettings.model_fields, **HttpSettings.model_fields}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_setting_is_described_and_in_the_reference(name: str) -> None:
    assert FIELDS[name].description
    assert f"`{name}`" in (REFERENCE / "settings.md").read_text()


@pytest.mark.parametrize("name", sorted(RUNTIME_METRICS))
def test_every_metric_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in (REFERENCE / "metrics.md").read_text()
