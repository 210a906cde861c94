"""What a source of sensors may declare."""

import math
import re

from andon.ingest.v1 import sensor_pb2

from services.ingest.admission.readings import MULTIPLE_MAX
from services.ingest.model import SECOND_US
from services.ingest.wire.times import micros
from services.runtime.field_checks import FieldChecks

QUANTITIES_MAX = 100
TITLE_CHARS_MAX, UNIT_CHARS_MAX = 200, 64
RESOLUTION_MIN, RESOLUTION_MAX = 1e-4, 1e6
# All zones are whole quarters of an hour from UTC, so no period lies in two of any window.
PERIODS_US = 900 * SECOND_US
NAME = re.compile(r"[a-z0-9_]{1,64}")
BATCH_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def check_sensor_source(one: sensor_pb2.SensorSource, checks: FieldChecks) -> None:
    _check_title(one.title, "sensor_source.title", checks)
    period_us = micros(one.period)
    whole = not one.HasField("period") or (
        period_us >= SECOND_US and period_us % SECOND_US == 0 and PERIODS_US % period_us == 0
    )
    checks.require(whole, "sensor_source.period", "must be 1 s to 15 min, in whole seconds and a whole part of 15 min")
    count = len(one.quantities)
    checks.require(1 <= count <= QUANTITIES_MAX, "sensor_source.quantities", f"must be 1 to {QUANTITIES_MAX}")
    seen: set[str] = set()
    for index, quantity in enumerate(one.quantities[:QUANTITIES_MAX]):
        at = f"sensor_source.quantities[{index}]"
        _check_quantity(quantity, at, checks)
        checks.require(quantity.name not in seen, f"{at}.name", "must be given once only")
        seen.add(quantity.name)


def _check_quantity(one: sensor_pb2.SensorQuantity, at: str, checks: FieldChecks) -> None:
    checks.require(NAME.fullmatch(one.name) is not None, f"{at}.name", "must be 1 to 64 of [a-z0-9_]")
    _check_title(one.title, f"{at}.title", checks)
    checks.require(len(one.unit) <= UNIT_CHARS_MAX, f"{at}.unit", f"must have at most {UNIT_CHARS_MAX} characters")
    sized = not one.resolution or RESOLUTION_MIN <= one.resolution <= RESOLUTION_MAX
    checks.require(sized, f"{at}.resolution", f"must be {RESOLUTION_MIN:g} to {RESOLUTION_MAX:g}")
    bounds = [getattr(one, name) for name in ("low", "high") if one.HasField(name)]
    most = MULTIPLE_MAX * (one.resolution or 0.01)
    for name in ("low", "high", "limit"):
        fits = not one.HasField(name) or abs(getattr(one, name)) <= most
        checks.require(fits, f"{at}.{name}", f"must be at most {MULTIPLE_MAX:,} times the resolution")
    checks.require(bounds == sorted(set(bounds)), f"{at}.high", "must be above low")
    rated = math.isfinite(one.rate_hz) and one.rate_hz >= 0
    checks.require(rated, f"{at}.rate_hz", "must be finite, and not negative")


def check_batch(request: sensor_pb2.StreamReadingsRequest) -> None:
    checks = FieldChecks()
    checks.require(bool(request.sensor_source), "sensor_source", "is required", "FIELD_REQUIRED")
    checks.require(bool(request.batch_id), "batch_id", "is required", "FIELD_REQUIRED")
    named = BATCH_ID.fullmatch(request.batch_id) is not None
    checks.require(named, "batch_id", "must be 1 to 64 of [A-Za-z0-9_.:-]")
    checks.done()


def _check_title(title: object, at: str, checks: FieldChecks) -> None:
    for language in ("en", "zh"):
        short = len(getattr(title, language)) <= TITLE_CHARS_MAX
        checks.require(short, f"{at}.{language}", f"must have at most {TITLE_CHARS_MAX} characters")
