"""An image is named by a version or a digest, so that the same manifest is the same program tomorrow."""

from __future__ import annotations

import re

from deploy.objects import Objects, title_of, workloads
from deploy.rules.finding import Found, Rule, Services

VERSION = re.compile(r"^v?\d+(\.\d+)+([.+-][0-9A-Za-z.+-]+)?$")
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


def images_are_pinned(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for container in workload.containers:
            if not is_pinned(container["image"]):
                yield title_of(workload.owner), f"image {container['image']} names no version or digest"


def is_pinned(image: str) -> bool:
    name, at, digest = image.partition("@")
    if at:
        return bool(DIGEST.match(digest))
    return bool(VERSION.match(name.rpartition("/")[2].partition(":")[2]))


def a_service_and_its_migration_are_one_image(objects: Objects, services: Services) -> Found:
    images = {one.name: one.pod["containers"][0]["image"] for one in workloads(objects)}
    for name in (name for name, service in services.items() if service.has_store):
        if images.get(name) != images.get(f"{name}-migrate"):
            yield f"Job/{name}-migrate", "migrates with another image than the service's"


RULES: tuple[Rule, ...] = (images_are_pinned, a_service_and_its_migration_are_one_image)
