"""A simulated support desk: teams of agents, queues, rework, reopenings and surveys, with faults at known times."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import simpy

SOURCE = "service-desk"
MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True)
class Event:
    """One event of a case; `time` in UTC."""

    id: str
    case_id: str
    activity: str
    time: datetime
    agent: str
    attributes: Mapping[str, str | float]


@dataclass(frozen=True)
class PlantedFault:
    """What goes wrong from `first_day` until `last_day` (days since the start, end exclusive) and where it shows."""

    name: str
    title_en: str
    title_zh: str
    first_day: int
    last_day: int
    indicators: tuple[str, ...]
    slice: Mapping[str, str] = field(default_factory=dict)


SLOW_STEP = PlantedFault(
    "slow_step",
    "Diagnosis takes twice as long",
    "诊断步骤耗时加倍",
    first_day=42,
    last_day=49,
    indicators=("resolution_time",),
)
REWORK = PlantedFault(
    "rework",
    "Team Network does its work over again",
    "网络组返工增多",
    first_day=56,
    last_day=63,
    indicators=("rework_share",),
    slice={"team": "Network"},
)
UNHAPPY = PlantedFault(
    "unhappy",
    "Customers of the chat channel are less satisfied",
    "在线聊天渠道客户满意度下降",
    first_day=70,
    last_day=77,
    indicators=("satisfaction",),
    slice={"channel": "chat"},
)
FAULTS = (SLOW_STEP, REWORK, UNHAPPY)


@dataclass(frozen=True)
class ServiceDesk:
    """The desk's size and habits. Times in minutes; the same seed gives the same events to the last byte."""

    seed: int = 7
    start: datetime = datetime(2026, 1, 5, tzinfo=UTC)
    days: int = 84
    cases_per_day: float = 220.0
    agents: Mapping[str, int] = field(default_factory=lambda: {"Network": 9, "Accounts": 9, "Hardware": 9})
    channels: Mapping[str, float] = field(
        default_factory=lambda: {"phone": 0.4, "email": 0.3, "chat": 0.2, "portal": 0.1}
    )
    priorities: Mapping[str, float] = field(default_factory=lambda: {"1 high": 0.15, "2 normal": 0.6, "3 low": 0.25})
    diagnosis_median_min: float = 30.0
    repair_median_min: float = 42.0
    rework_share: float = 0.12
    reopened_share: float = 0.04
    waiting_share: float = 0.2
    surveyed_share: float = 0.35
    satisfaction_mean: float = 4.1
    faults: tuple[PlantedFault, ...] = FAULTS

    def active(self, name: str, minute: float) -> bool:
        day = minute / MINUTES_PER_DAY
        return any(fault.name == name and fault.first_day <= day < fault.last_day for fault in self.faults)


def simulate(desk: ServiceDesk) -> list[Event]:
    """All events of the desk in time order."""
    environment = simpy.Environment()
    teams = {team: simpy.Resource(environment, count) for team, count in desk.agents.items()}
    events: list[Event] = []
    environment.process(_arrivals(desk, environment, teams, events))
    environment.run()
    return sorted(events, key=lambda event: (event.time, event.id))


def _arrivals(
    desk: ServiceDesk, environment: simpy.Environment, teams: dict[str, Any], events: list[Event]
) -> Generator[Any, Any, None]:
    dice = np.random.default_rng(desk.seed)
    number = 0
    while True:
        yield environment.timeout(dice.exponential(MINUTES_PER_DAY / desk.cases_per_day))
        if environment.now >= desk.days * MINUTES_PER_DAY:
            return
        number += 1
        case = _Case(desk, environment, teams, events, number)
        environment.process(case.live())


class _Case:
    """One case from its creation to its survey; its own dice, so that a change in one case leaves the others alone."""

    def __init__(
        self, desk: ServiceDesk, environment: simpy.Environment, teams: dict[str, Any], events: list[Event], number: int
    ) -> None:
        self.desk, self.environment, self.teams, self.events = desk, environment, teams, events
        self.dice = np.random.default_rng([desk.seed, number])
        self.case_id = f"CASE-{number:06d}"
        self.count = 0
        self.agent = ""
        self.attributes: dict[str, str | float] = {
            "channel": self._pick(desk.channels),
            "priority": self._pick(desk.priorities),
            "team": str(self.dice.choice(list(desk.agents))),
        }

    def _pick(self, shares: Mapping[str, float]) -> str:
        return str(self.dice.choice(list(shares), p=list(shares.values())))

    def _lognormal(self, median: float, spread: float) -> float:
        return float(median * np.exp(spread * self.dice.standard_normal()))

    def _chance(self, share: float) -> bool:
        return bool(self.dice.random() < share)

    def _note(self, activity: str, **more: float) -> None:
        self.count += 1
        time = self.desk.start + timedelta(minutes=self.environment.now)
        time -= timedelta(microseconds=time.microsecond % 1000)
        event_id = f"{self.case_id}-{self.count:02d}"
        self.events.append(Event(event_id, self.case_id, activity, time, self.agent, {**self.attributes, **more}))

    def live(self) -> Generator[Any, Any, None]:
        self._note("Created")
        yield self.environment.timeout(self._lognormal(6.0, 0.6))
        self._note("Assigned")
        yield from self._work()
        while self._chance(self.desk.reopened_share):
            yield self.environment.timeout(self._lognormal(240.0, 0.5))
            self._note("Reopened")
            yield from self._work()
        self.agent = ""
        yield self.environment.timeout(self._lognormal(120.0, 0.3))
        self._note("Closed")
        if self._chance(self.desk.surveyed_share):
            yield self.environment.timeout(self._lognormal(90.0, 0.5))
            self._note("Surveyed", csat=self._satisfaction())

    def _work(self) -> Generator[Any, Any, None]:
        """An agent of the team diagnoses and repairs, over again if the repair did not hold."""
        team = str(self.attributes["team"])
        with self.teams[team].request() as turn:
            yield turn
            self.agent = f"{team.lower()}-agent-{self.dice.integers(self.desk.agents[team]) + 1}"
            again = True
            while again:
                self._note("Started")
                slower = 2.0 if self.desk.active("slow_step", self.environment.now) else 1.0
                yield self.environment.timeout(slower * self._lognormal(self.desk.diagnosis_median_min, 0.4))
                self._note("Diagnosed")
                yield self.environment.timeout(self._lognormal(self.desk.repair_median_min, 0.5))
                more = 2.75 if team == "Network" and self.desk.active("rework", self.environment.now) else 1.0
                again = self._chance(more * self.desk.rework_share)
        if self._chance(self.desk.waiting_share):
            self._note("Waiting for customer")
            yield self.environment.timeout(self._lognormal(60.0, 0.5))
        self._note("Resolved")

    def _satisfaction(self) -> float:
        faulty = self.attributes["channel"] == "chat" and self.desk.active("unhappy", self.environment.now)
        mean = self.desk.satisfaction_mean - (1.5 if faulty else 0.0)
        return float(np.clip(np.rint(self.dice.normal(mean, 0.9)), 1.0, 5.0))


def fingerprint(events: list[Event]) -> str:
    """SHA-256 over ids, activities and times, in order."""
    digest = hashlib.sha256()
    for event in events:
        digest.update(f"{event.id}|{event.activity}|{event.time.isoformat()}\n".encode())
    return digest.hexdigest()
