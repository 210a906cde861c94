"""RunLengthService: GetRunLength."""

from __future__ import annotations

import asyncio
from typing import Any

from andon.scoring.v1 import run_length_pb2 as pb
from andon.scoring.v1 import run_length_pb2_grpc
from andon_quality.errors import QualityError

from services.runtime.errors import invalid, invalid_number
from services.scoring.scores.run_lengths import QUANTILES, SHIFTS, rows_of, summary
from services.scoring.wire.run_lengths import numbers_of, row_message, scheme_of
from services.scoring.wire.scores import text

SHIFTS_MAX, QUANTILES_MAX, SHIFT_MAX, LIMIT_MAX = 50, 20, 100.0, 1e12
ARL_MIN, ARL_MAX = 2.0, 1e9
# One after the other in a process: each takes a processor.
AT_ONCE = asyncio.Semaphore(1)


class RunLengthServicer(run_length_pb2_grpc.RunLengthServiceServicer):
    async def GetRunLength(self, request: pb.GetRunLengthRequest, context: Any) -> pb.GetRunLengthResponse:
        scheme = scheme_of(request)
        shifts = numbers_of("shifts", request.shifts, SHIFTS, SHIFTS_MAX, -SHIFT_MAX, SHIFT_MAX)
        quantiles = numbers_of("quantiles", request.quantiles, QUANTILES, QUANTILES_MAX, 0.0, 1.0)
        if bool(request.limit) == bool(request.requested_arl0):
            raise invalid("limit", "is needed, or requested_arl0, and not both", "FIELD_REQUIRED")
        if not 0 <= request.limit <= LIMIT_MAX:
            raise invalid_number("limit", f"must be above 0 and at most {LIMIT_MAX:g}", request.limit)
        limit = request.limit
        async with AT_ONCE:
            if not limit:
                if not ARL_MIN <= request.requested_arl0 <= ARL_MAX:
                    raise invalid("requested_arl0", f"must lie between {ARL_MIN:g} and {ARL_MAX:g}")
                try:
                    limit = await asyncio.to_thread(scheme.limit_of, request.requested_arl0)
                except QualityError as error:
                    raise invalid("requested_arl0", str(error)) from error
            try:
                rows = await asyncio.to_thread(rows_of, scheme, limit, shifts, quantiles)
            except QualityError as error:
                raise invalid("shifts" if not request.limit else "limit", str(error)) from error
        return pb.GetRunLengthResponse(
            rows=map(row_message, rows), limit=limit, quantiles=quantiles, summary=text(summary(rows, limit, quantiles))
        )
