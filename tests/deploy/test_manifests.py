"""What would be applied is valid, keeps every rule, and is the suite as its own code describes it."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.declared import deployable, secrets, suite
from deploy.objects import Object, of_kind, workloads
from deploy.render import render
from deploy.rules import findings
from services.machine.machine import SUITE

ROOT = Path(__file__).parents[2]
FOLDERS = ("base", "overlays/dev")
Rendered = Callable[[str], list[Object]]


# The oldest release with a native preStop pause, and the newest that is known here.
@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_every_object_is_valid(base: list[Object], dev: list[Object], version: str) -> None:
    for one in [*dev, *(one for one in base if one not in dev)]:
        kubernetes_validate.validate(one, version, strict=True)


def test_validation_refuses_a_field_that_is_not_there(base: list[Object]) -> None:
    (first, *_) = of_kind(base, "Deployment")
    first["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(first, "1.30", strict=True)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_rule_is_kept(rendered: Rendered, name: str) -> None:
    assert [str(one) for one in findings(rendered(name), suite())] == []


def test_the_suite_on_one_machine_has_the_same_services_and_calls() -> None:
    here = {one.name: (sorted(one.calls), one.has_contract, one.has_http, one.has_store) for one in SUITE}
    assert here == {
        name: (sorted(service.calls), service.has_contract, service.has_http, service.has_store)
        for name, service in suite().items()
    }


def test_a_folder_is_deployable_if_and_only_if_it_can_be_started(tmp_path: Path) -> None:
    for name in ("desk", "runtime"):
        (tmp_path / name).mkdir()
    (tmp_path / "desk" / "__main__.py").touch()
    assert deployable(tmp_path) == ["desk"]


def test_images_carry_the_version_of_the_project(base: list[Object]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    images = {one.name: one.pod["containers"][0]["image"] for one in workloads(base)}
    assert {images[name] for name in deployable()} == {f"andon-{name}:{version}" for name in deployable()}


def test_health_names_are_services_of_the_contracts() -> None:
    contracts = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "protos").rglob("*.proto"))
    for service in (one for one in suite().values() if one.has_contract):
        assert f"service {service.health_name.rpartition('.')[2]} {{" in contracts
        assert f"package {service.health_name.rpartition('.')[0]};" in contracts


def test_the_guide_lists_every_secret_with_its_keys() -> None:
    guide = (ROOT / "docs" / "guides" / "deploying.md").read_text(encoding="utf-8")
    for name, keys in secrets(suite()).items():
        row = next((line for line in guide.splitlines() if line.startswith("|") and f"`{name}`" in line), "")
        assert all(f"`{key}`" in row for key in keys), name
        assert row, name


def test_an_overlay_written_as_the_guide_says_keeps_every_rule(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "guides" / "deploying.md").read_text(encoding="utf-8")
    overlay, postgres, *_ = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    base = str(ROOT / "deploy" / "kubernetes" / "base")
    overlay = overlay.replace("../../base", base).replace("sha256:...", "sha256:" + "5" * 64)
    (tmp_path / "kustomization.yaml").write_text(overlay, encoding="utf-8")
    (tmp_path / "postgres.yaml").write_text(postgres, encoding="utf-8")
    objects = render(tmp_path)
    assert {one.pod["containers"][0]["image"] for one in workloads(objects) if one.name == "ingest"} == {
        "registry.example/andon-ingest@sha256:" + "5" * 64
    }
    assert [str(one) for one in findings(objects, suite())] == []


def test_the_collector_listens_where_its_container_says(base: list[Object]) -> None:
    (one,) = (one for one in of_kind(base, "ConfigMap") if one["metadata"]["name"].startswith("otel-collector"))
    settings = yaml.safe_load(one["data"]["collector.yaml"])
    (collector,) = (one for one in workloads(base) if one.name == "otel-collector")
    ports = {port["name"]: port["containerPort"] for port in collector.containers[0]["ports"]}
    assert ports == {
        "otlp": _port(settings["receivers"]["otlp"]["protocols"]["grpc"]),
        "metrics": _port(settings["exporters"]["prometheus"]),
        "health": _port(settings["extensions"]["health_check"]),
    }
    for pipeline in settings["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= set(settings[kind])


def _port(listener: dict[str, Any]) -> int:
    return int(listener["endpoint"].rpartition(":")[2])


def _check(folder: Path) -> "subprocess.CompletedProcess[Any]":
    command = [sys.executable, "-m", "deploy.check", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\n", encoding="utf-8")
    wrong, right = _check(tmp_path), _check(ROOT / "deploy" / "kubernetes" / "base")
    assert (wrong.returncode, right.returncode) == (1, 0)
    assert "Deployment/ingest: is deployed and no service, or a service and not deployed" in wrong.stdout
    assert right.stdout == ""
