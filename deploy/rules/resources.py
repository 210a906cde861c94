"""Every container says what it needs and what memory it may take; every quantity can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from deploy.objects import Object, Objects, title_of, workloads
from deploy.rules.finding import Found, Rule, Services

QUANTITY = re.compile(r"^(?P<number>\d+(\.\d+)?)(?P<unit>m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$")
UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def quantity(text: str) -> Decimal | None:
    """The number of a Kubernetes quantity; None if malformed."""
    match = QUANTITY.match(text)
    return Decimal(match["number"]) * UNITS[match["unit"] or ""] if match else None


def quantities_can_be_read(objects: Objects, services: Services) -> Found:
    for one in objects:
        for where, value in _quantities(one):
            if quantity(str(value)) is None:
                yield title_of(one), f"{where} {value!r} is no quantity"


def _quantities(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _quantities(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("requests", "limits") and isinstance(value, dict):
                yield from ((f"{key}.{name}", one) for name, one in value.items())
            elif key == "sizeLimit":
                yield key, value
            else:
                yield from _quantities(value)


def containers_ask_for_what_they_need(objects: Objects, services: Services) -> Found:
    for workload in workloads(objects):
        for container in workload.containers:
            if message := _shortcoming(container.get("resources", {})):
                yield title_of(workload.owner), f"{container['name']}: {message}"


def _shortcoming(resources: Object) -> str:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    if "cpu" not in requests or "memory" not in requests:
        return "requests no cpu or no memory"
    if "memory" not in limits:
        return "has no memory limit"
    asked, most = quantity(str(requests["memory"])), quantity(str(limits["memory"]))
    if asked is not None and most is not None and asked > most:
        return "requests more memory than its limit"
    return "has a cpu limit, which stalls calls while the node idles" if "cpu" in limits else ""


RULES: tuple[Rule, ...] = (quantities_can_be_read, containers_ask_for_what_they_need)
