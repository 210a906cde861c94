"""What some steps of the fold come to, before anything is decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from services.scoring.fold.step import FoldStep
from services.scoring.replica.clock_changes import GatheredClocks
from services.scoring.scores.statistics import PartStats, Place, accumulate
from services.scoring.store.steps import ObservationPage


@dataclass(frozen=True)
class Folded:
    """A step of one partition. `rebuilt`: of cases that were corrected."""

    step: FoldStep
    page: ObservationPage | None
    rebuilt: bool = False


@dataclass
class Gathered:
    """differences: what all steps add to each window. partitions: those whose steps changed any.

    values: of dimensions, that events named; some of them perhaps not for the first time.
    """

    differences: dict[Place, PartStats] = field(default_factory=dict)
    partitions: set[int] = field(default_factory=set)
    corrected: set[Place] = field(default_factory=set)
    observations: list[ObservationPage] = field(default_factory=list)
    values: dict[str, set[str]] = field(default_factory=dict)
    events: int = 0
    clocks: GatheredClocks = field(default_factory=GatheredClocks)

    def take(self, partition: int, folded: Sequence[Folded], targets: Sequence[str] = ()) -> None:
        """Steps of one partition. targets: indicators that clocks of open cases run towards, by position."""
        for one in folded:
            accumulate(self.differences, one.step.parts)
            self.clocks.take(partition, one.step.clocks, targets)
            if one.step.parts or one.step.clocks.case_ids:
                self.partitions.add(partition)
            if one.rebuilt:
                self.corrected.update((change.series, change.window) for change in one.step.parts)
            for name, values in one.step.values.items():
                self.values.setdefault(name, set()).update(values)
            if one.page is not None:
                self.observations.append(one.page)


def observation_page(partition: int, rows: pa.RecordBatch) -> ObservationPage | None:
    if not rows.num_rows:
        return None
    extremes = [pc.min_max(rows.column(name).view(pa.int64())).as_py() for name in ("anchor", "old_anchor")]
    anchors = [one for both in extremes for one in both.values() if one is not None]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    ) as writer:
        writer.write_batch(rows)
    return ObservationPage(partition, min(anchors), max(anchors), sink.getvalue().to_pybytes())
