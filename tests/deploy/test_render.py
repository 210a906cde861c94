"""Our rendering is kustomize's, and what it cannot do it refuses."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.objects import Object
from deploy.render import Unsupported, content_hash, merge, render

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"


def folder(path: Path, kustomization: dict[str, Any], **files: Any) -> Path:
    path.mkdir(exist_ok=True)
    for name, content in {"kustomization": kustomization, **files}.items():
        (path / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def deployment(name: str = "desk", image: str = "desk") -> Object:
    containers = [{"name": name, "image": image, "envFrom": [{"configMapRef": {"name": "settings"}}]}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "template": {"spec": {"containers": containers}}},
    }


def by_title(objects: list[Object]) -> dict[tuple[str, str], Object]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed, so there is nothing to compare")
@pytest.mark.parametrize("name", ["base", "overlays/dev"])
def test_our_rendering_is_that_of_kubectl(name: str) -> None:
    printed = subprocess.run(["kubectl", "kustomize", KUBERNETES / name], capture_output=True, text=True, check=True)
    theirs = [one for one in yaml.safe_load_all(printed.stdout) if one]
    assert by_title(render(KUBERNETES / name)) == by_title(theirs)


def test_a_generated_config_map_is_named_after_its_content_wherever_it_is_used(tmp_path: Path) -> None:
    kustomization = {
        "resources": ["desk.yaml"],
        "configMapGenerator": [{"name": "settings", "literals": ["A=b<c>", "X=1"]}],
    }
    objects = by_title(render(folder(tmp_path, kustomization, desk=deployment())))
    # The suffix that kubectl 1.32 (kustomize 5.5) printed for this content.
    assert ("ConfigMap", "settings-4f8hhm6h8d") in objects
    container = objects["Deployment", "desk"]["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"configMapRef": {"name": "settings-4f8hhm6h8d"}}]


def test_changed_content_changes_the_name() -> None:
    assert content_hash({"A": "1"}) != content_hash({"A": "2"})


def test_a_patch_merges_mappings_and_named_lists_and_replaces_the_rest() -> None:
    whole = {"a": {"b": 1, "c": 2}, "containers": [{"name": "x", "image": "1", "args": ["p", "q"]}], "args": [1]}
    patch = {"a": {"b": 3, "c": None}, "containers": [{"name": "x", "args": ["r"]}, {"name": "y"}], "args": [2]}
    assert merge(whole, patch) == {
        "a": {"b": 3},
        "containers": [{"name": "x", "image": "1", "args": ["r"]}, {"name": "y"}],
        "args": [2],
    }


@pytest.mark.parametrize(
    ("entry", "image"),
    [
        ({"newTag": "1.2.3"}, "desk:1.2.3"),
        ({"newName": "registry.example:5000/desk", "newTag": "2.0"}, "registry.example:5000/desk:2.0"),
        ({"digest": "sha256:" + "0" * 64}, "desk@sha256:" + "0" * 64),
    ],
)
def test_images_are_renamed(tmp_path: Path, entry: dict[str, str], image: str) -> None:
    kustomization = {"resources": ["desk.yaml"], "images": [{"name": "desk", **entry}]}
    (rendered,) = render(folder(tmp_path, kustomization, desk=deployment()))
    assert rendered["spec"]["template"]["spec"]["containers"][0]["image"] == image


@pytest.mark.parametrize(
    "kustomization",
    [
        {"namePrefix": "a-"},
        {"components": ["x"]},
        {"configMapGenerator": [{"name": "a", "envs": ["x"]}]},
        {"patches": [{"path": "patch.yaml", "target": {"kind": "Job"}}]},
    ],
)
def test_what_only_kustomize_can_do_is_refused(tmp_path: Path, kustomization: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        render(folder(tmp_path, kustomization))


def test_a_patch_of_a_list_whose_items_go_by_another_name_is_refused() -> None:
    with pytest.raises(Unsupported, match="containerPort"):
        merge({"ports": [{"port": 7443}]}, {"ports": [{"port": 7444}]})


def test_a_patch_of_nobody_is_refused(tmp_path: Path) -> None:
    kustomization = {"resources": ["desk.yaml"], "patches": [{"path": "patch.yaml"}]}
    with pytest.raises(Unsupported, match="0 objects"):
        render(folder(tmp_path, kustomization, desk=deployment(), patch=deployment("other")))
