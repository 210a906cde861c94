"""Renders a kustomization folder without kubectl, as far as the folders here need it: `python -m deploy.render`."""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.objects import Object, Workload, name_of

FIELDS = {"apiVersion", "kind", "namespace", "resources", "labels", "images", "patches", "configMapGenerator"}
CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PersistentVolume"}
# Lists whose items have a name of their own, which a patch goes by; every other list is replaced as a whole.
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
# Hex digits that could spell words are written otherwise, so that a generated name spells none.
HASH_ALPHABET = str.maketrans("013ae", "ghkmt")
HASH_LENGTH = 10


class Unsupported(ValueError):
    """A kustomization asks for something that only kustomize itself can do."""


def render(folder: Path) -> list[Object]:
    """The objects of a kustomization folder, in the order in which its resources name them."""
    kustomization = _read_kustomization(folder)
    objects = [one for entry in kustomization.get("resources", []) for one in _resource(folder / entry)]
    generated = [_config_map(folder, entry) for entry in kustomization.get("configMapGenerator", [])]
    objects += [made for _, made in generated]
    for entry in kustomization.get("patches", []):
        _patch(objects, folder, entry)
    for before, made in generated:
        _rename_config_map(objects, before, name_of(made))
    for entry in kustomization.get("images", []):
        _set_image(objects, entry)
    for entry in kustomization.get("labels", []):
        _label(objects, entry)
    if namespace := kustomization.get("namespace"):
        _move(objects, namespace)
    return objects


def _read_kustomization(folder: Path) -> Object:
    kustomization: Object = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    _refuse_unknown(folder.name, kustomization, FIELDS)
    return kustomization


def _refuse_unknown(where: str, given: Object, known: set[str]) -> None:
    if unknown := set(given) - known:
        raise Unsupported(f"{where}: {', '.join(sorted(unknown))}")


def _resource(path: Path) -> list[Object]:
    if path.is_dir():
        return render(path)
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def _config_map(folder: Path, entry: Object) -> tuple[str, Object]:
    """The name that others know it by, and the object, whose name carries the hash of its content."""
    _refuse_unknown("configMapGenerator", entry, {"name", "literals", "files"})
    data = dict(_literal(text) for text in entry.get("literals", []))
    data.update(_file(folder, text) for text in entry.get("files", []))
    name = str(entry["name"])
    made = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{name}-{content_hash(data)}"},
        "data": data,
    }
    return name, made


def _literal(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value


def _file(folder: Path, text: str) -> tuple[str, str]:
    key, _, path = text.rpartition("=")
    return key or Path(path).name, (folder / path).read_text(encoding="utf-8")


def content_hash(data: dict[str, str]) -> str:
    """The suffix that kustomize gives a generated ConfigMap; it leaves the name out of it."""
    canonical = {"data": data, "kind": "ConfigMap", "name": ""}
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH].translate(HASH_ALPHABET)


def _rename_config_map(objects: list[Object], before: str, after: str) -> None:
    for reference in _config_map_references(objects):
        if reference.get("name") == before:
            reference["name"] = after


def _config_map_references(node: Any) -> Iterator[Object]:
    if isinstance(node, list):
        for item in node:
            yield from _config_map_references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("configMap", "configMapRef", "configMapKeyRef") and isinstance(value, dict):
                yield value
            yield from _config_map_references(value)


def _patch(objects: list[Object], folder: Path, entry: Object) -> None:
    _refuse_unknown("patches", entry, {"path"})
    for patch in yaml.safe_load_all((folder / entry["path"]).read_text(encoding="utf-8")):
        targets = [one for one in objects if _identity(one) == _identity(patch)]
        if len(targets) != 1:
            raise Unsupported(f"{entry['path']}: {len(targets)} objects are {_identity(patch)}")
        merged = merge(targets[0], patch)
        targets[0].clear()
        targets[0].update(merged)


def _identity(one: Object) -> tuple[str, str, str]:
    return str(one["apiVersion"]), str(one["kind"]), name_of(one)


def merge(whole: Object, patch: Object) -> Object:
    """A strategic merge: null removes, mappings and named lists merge, everything else is replaced."""
    merged = copy.deepcopy(whole)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        elif isinstance(value, list) and key in MERGE_KEYS and key in merged:
            merged[key] = _merge_named(merged[key], value, MERGE_KEYS[key])
        else:
            merged[key] = copy.deepcopy(value)
    if any(key.startswith("$") for key in patch):
        raise Unsupported("patch directives")
    return merged


def _merge_named(items: list[Object], patches: list[Object], name: str) -> list[Object]:
    if any(name not in item for item in (*items, *patches)):
        raise Unsupported(f"a patch of a list whose items have no {name}")
    by_name = {item[name]: item for item in items}
    for patch in patches:
        by_name[patch[name]] = merge(by_name.get(patch[name], {}), patch)
    return list(by_name.values())


def _set_image(objects: list[Object], entry: Object) -> None:
    _refuse_unknown("images", entry, {"name", "newName", "newTag", "digest"})
    for container in (container for one in objects for container in _containers(one)):
        name, tag = _image_parts(container["image"])
        if name != entry["name"]:
            continue
        name = entry.get("newName", name)
        if "digest" in entry:
            container["image"] = f"{name}@{entry['digest']}"
        else:
            container["image"] = f"{name}:{entry['newTag']}" if "newTag" in entry else f"{name}{tag}"


def _image_parts(image: str) -> tuple[str, str]:
    """Name, and tag or digest with its separator; a colon before the last slash is a port."""
    if "@" in image:
        name, _, digest = image.partition("@")
        return name, f"@{digest}"
    folder, slash, last = image.rpartition("/")
    name, colon, tag = last.partition(":")
    return f"{folder}{slash}{name}", f"{colon}{tag}"


def _containers(one: Object) -> list[Object]:
    return Workload(one).containers if "template" in one.get("spec", {}) else []


def _label(objects: list[Object], entry: Object) -> None:
    _refuse_unknown("labels", entry, {"pairs", "includeTemplates"})
    for one in objects:
        one["metadata"].setdefault("labels", {}).update(entry["pairs"])
        if entry.get("includeTemplates"):
            for template in _templates(one):
                template.setdefault("metadata", {}).setdefault("labels", {}).update(entry["pairs"])


def _templates(one: Object) -> list[Object]:
    spec = one.get("spec", {})
    return [*([spec["template"]] if "template" in spec else []), *spec.get("volumeClaimTemplates", [])]


def _move(objects: list[Object], namespace: str) -> None:
    for one in objects:
        if one["kind"] == "Namespace":
            one["metadata"]["name"] = namespace
        elif one["kind"] not in CLUSTER_WIDE:
            one["metadata"]["namespace"] = namespace


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.render", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with kustomization.yaml")
    print(yaml.safe_dump_all(render(parser.parse_args().folder), sort_keys=False), end="")


if __name__ == "__main__":
    main()
