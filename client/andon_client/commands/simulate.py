"""`andon simulate`: what waiting would be like with other arrivals, staff or service times."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import typer
from andon.scoring.v1 import simulation_pb2 as pb

from andon_client.commands.filters import Json, Since, Until, interval_of
from andon_client.listing import read_notation
from andon_client.presentation.formats import number
from andon_client.presentation.phrases import say
from andon_client.presentation.queue_tables import queue_table
from andon_client.suite import Suite
from andon_client.terminal import Context, emit_json, run, screen, show_table


def simulate(
    context: typer.Context,
    staff: Annotated[int, typer.Option("--staff", min=1, max=1_000, help="Servers at the same time.")],
    arrivals: Annotated[
        str, typer.Option("--arrivals", help="Arrivals in an hour, or the key of a series whose cases are them.")
    ],
    service: Annotated[
        str, typer.Option("--service", help="Mean service time in hours, or the key of a series of a duration.")
    ],
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", help="Such as staff=4, arrivals=1.2 or staff=4,service=0.9; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal answers.")] = 0,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Simulate waiting with this staff, and with other arrivals, staff or service times."""
    options: Context = context.obj
    request = pb.GetQueueSimulationRequest(staff=staff, seed=seed, what_ifs=[_what_if(one) for one in what_if or ()])
    keys = []
    for given, message, number_field in (
        (arrivals, request.arrivals, "per_hour"),
        (service, request.service, "mean_hours"),
    ):
        if "/" in given:
            message.series = given
            keys.append(given)
        else:
            setattr(message, number_field, _number(given))

    async def work(suite: Suite) -> pb.GetQueueSimulationResponse:
        zone = (await read_notation(suite, keys)).only_zone if keys else UTC
        request.interval.CopyFrom(interval_of(since, until, zone))
        return await suite.simulation.GetQueueSimulation(request)

    found = run(options, work)
    if as_json:
        emit_json(found)
        return
    head = say(
        "queue_head",
        options.locale,
        rate=number(found.arrivals_per_hour),
        gaps=number(found.arrivals_variation),
        mean=number(60 * found.service_mean_hours),
        variation=number(found.service_variation),
        shape=found.service_shape,
    )
    screen.print(head, markup=False, highlight=False)
    show_table(queue_table(found, options.locale), options.locale)


def _number(given: str) -> float:
    try:
        return float(given)
    except ValueError as error:
        raise typer.BadParameter(f"{given} is neither a number nor the key of a series") from error


def _what_if(given: str) -> pb.WhatIf:
    """ "staff=4,service=0.9"."""
    made = pb.WhatIf(title=given)
    for part in given.split(","):
        name, _, value = part.partition("=")
        match name.strip():
            case "staff":
                made.staff = round(_number(value))
            case "arrivals":
                made.arrivals_factor = _number(value)
            case "service":
                made.service_factor = _number(value)
            case _:
                raise typer.BadParameter(f"{name} is not one of staff, arrivals, service", param_hint="--what-if")
    return made
