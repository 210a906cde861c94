"""What scoring stores, in Postgres. Nothing else in scoring knows SQL."""

from __future__ import annotations

import asyncpg

from services.scoring.store.backtests import Backtests
from services.scoring.store.books import BookReads
from services.scoring.store.charts import ChartReads
from services.scoring.store.clauses import Clauses
from services.scoring.store.dropped_slices import DroppedSlices
from services.scoring.store.failures import Failures
from services.scoring.store.log import ScoreLog
from services.scoring.store.open_cases import OpenCases
from services.scoring.store.overviews import Overviews
from services.scoring.store.progress import ProgressReads
from services.scoring.store.results import Results
from services.scoring.store.retention import RetentionWrites
from services.scoring.store.snapshots import Snapshots
from services.scoring.store.steps import Steps
from services.scoring.store.systems import Systems
from services.scoring.store.verdicts import Verdicts
from services.scoring.store.version_switch import VersionSwitches
from services.scoring.store.weight_changes import WeightChanges
from services.scoring.store.windows import WindowReads


class Store(
    Steps,
    WindowReads,
    VersionSwitches,
    BookReads,
    ChartReads,
    DroppedSlices,
    Failures,
    ProgressReads,
    Snapshots,
    ScoreLog,
    Results,
    OpenCases,
    Overviews,
    Verdicts,
    Backtests,
    WeightChanges,
    RetentionWrites,
    Systems,
    Clauses,
):
    """Every family reads and writes through the same pool."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
