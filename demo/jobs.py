"""What a run plays: the simulated desk, or a log with its mapping and its indicator system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

from andon.scoring.v1 import indicator_system_pb2
from andon_client.documents import load_document
from andon_client.load_messages import message
from andon_records.batches import Batch, batches_of
from andon_records.files.csv_layout import has_columns
from andon_records.files.readers import inspect
from andon_records.mapping.document import CsvMapping, load_mapping
from andon_records.messages import LoadError, Message, NothingReadable

from demo.batches import batches
from demo.simulation import FAULTS, SOURCE, PlantedFault, ServiceDesk, simulate

EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Job:
    """What is played: a process, its indicator system, where its events come from, and what is wrong with them."""

    process: str
    system: Path
    mapping: CsvMapping
    batches: Iterator[Batch]
    total: int
    begin: datetime
    faults: Sequence[PlantedFault] = ()
    guesses: Sequence[Message] = ()


def desk_job(desk: ServiceDesk) -> Job:
    events = simulate(desk)
    mapping = load_mapping(EXAMPLES / "service-desk.mapping.yaml")
    system = EXAMPLES / "service-desk.system.yaml"
    return Job(SOURCE, system, mapping, batches(events), len(events), desk.start, FAULTS)


def log_job(log: Path, mapping_file: Path | None, system: Path | None) -> Job:
    """Reads the log through, so that what is wrong with it is said before the suite starts."""
    mapping_file = mapping_file or mapping_that_fits(log)
    mapping = load_mapping(mapping_file)
    system = system or mapping_file.with_name(mapping_file.name.replace(".mapping.", ".system."))
    load_document(system, indicator_system_pb2.IndicatorSystemSpec)
    layout = inspect(log, mapping)
    if not layout.records:
        raise NothingReadable(message("in_file", file=log.name, what=message("file_no_rows")))
    rest = batches_of(layout, mapping)
    first = list(islice(rest, 1))
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return Job(mapping.source, system, mapping, chain(first, rest), layout.records, begin, guesses=layout.guesses)


def mapping_that_fits(log: Path) -> Path:
    """The example whose columns the file has; of several the one that reads most of them."""
    examples = [(load_mapping(path), path) for path in sorted(EXAMPLES.glob("*.mapping.yaml"))]
    fitting = [(len(mapping.columns()), path) for mapping, path in examples if has_columns(log, mapping)]
    if not fitting:
        raise LoadError(message("no_example_fits", file=log))
    return max(fitting)[1]
