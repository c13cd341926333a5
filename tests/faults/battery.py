"""The battery: load and faults in rounds, calm after each, and the contract at the end."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q
from django.db.models.functions import Now

from executor.models import Execution
from tests.faults.chaos import Chaos
from tests.faults.contract import breaches
from tests.faults.fleet import Fleet, errors_of, last_words
from tests.faults.load import Load
from tests.faults.moves import Move, read_moves
from tests.faults.people import People
from tests.faults.provider import Provider

FAULTS_A_ROUND = 10
# So many are accepted before the first fault: it is to hit something.
WARM = 15
ENDED_WITHIN_SECONDS = 180.0


@dataclass
class Battery:
    """One run of it; `breaches` are all that was found."""

    fleet: Fleet
    load: Load
    chaos: Chaos
    people: People
    provider: Provider
    chance: random.Random
    lease_seconds: float
    settled_within: float
    faults: int
    executions: int
    widths: dict[str, int]
    breaches: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Faults until there were as many as wanted, then the end of everything under way."""
        began = time.monotonic()
        self.load.start()
        self.people.start()
        while self.load.accepted < WARM and time.monotonic() - began < ENDED_WITHIN_SECONDS:
            # The first calls of a process load the model's client.
            self.chaos.look_after(0.1)
        struck = 0
        while struck < self.faults or self.load.accepted < self.executions:
            if struck == self.faults:
                self.chaos.look_after(0.5)
                continue
            for _ in range(min(FAULTS_A_ROUND, self.faults - struck)):
                say(f"{time.monotonic() - began:6.1f} s  {self.chaos.strike()}")
                struck += 1
                self.chaos.look_after(self.chance.uniform(0.2, 1.0))
            self._settle()
        self.load.stop()
        self._end()
        say(f"{struck} faults, {self.load.accepted} accepted, {time.monotonic() - began:.0f} s")

    def _settle(self) -> None:
        """After the last fault of a round everything that was interrupted runs again in time."""
        before = self._live()
        began = time.monotonic()
        while left := self._stuck(before):
            self.chaos.look_after(0.2)
            took = time.monotonic() - began
            if took > self.lease_seconds + self.settled_within:
                self.breaches.append(f"after {took:.1f} s of calm nobody runs {left}")
                return
        self.recoveries.append(time.monotonic() - began)

    def _live(self) -> list[object]:
        while True:
            try:
                rows = Execution.objects.live().values_list("pk", flat=True)
                return list(rows)
            except (DatabaseError, InterfaceError):
                connection.close()
                self.chaos.look_after(0.2)

    def _stuck(self, before: list[object]) -> list[object]:
        """Those of `before` that nobody runs: queued, or under a lease that is over."""
        idle = Q(status="queued") | Q(status="running", lease_until__lt=Now())
        try:
            return list(Execution.objects.filter(idle, pk__in=before).values_list("pk", flat=True))
        except (DatabaseError, InterfaceError):
            connection.close()
            return before

    def _end(self) -> None:
        """All ends come, then the processes end when they are told to."""
        self.fleet.wait_ready(self.fleet.members, ENDED_WITHIN_SECONDS)
        end = time.monotonic() + ENDED_WITHIN_SECONDS
        while Execution.objects.live().exists() and time.monotonic() < end:
            self.chaos.look_after(0.2)
        self.people.stop()
        for name, (code, took) in self.fleet.stop_all().items():
            if code != 0 or took > 2 * self.settled_within:
                self.breaches.append(f"{name} ended with {code} after {took:.1f} s")
        self.breaches += breaches(self.load.told, read_moves(), self.provider, self.widths)
        self.breaches += [*self.load.broken, *self.people.broken]

    def report(self) -> str:
        """Figures for a reader."""
        ends = Counter(Execution.objects.values_list("status", flat=True))
        classes = Counter(
            (error or {}).get("class")
            for error in Execution.objects.exclude(error=None).values_list("error", flat=True)
        )
        attempts = Counter(Execution.objects.values_list("attempt", flat=True))
        recovered, again = sorted(self.recoveries) or [0.0], _taken_up(read_moves())
        lines = [
            f"faults        {dict(self.chaos.done)}",
            f"found dead    {dict(self.chaos.deaths)}",
            f"executions    {sum(ends.values())}: {dict(ends)}; errors {dict(classes)}",
            f"attempts      {dict(sorted(attempts.items()))}",
            f"answers       {dict(Counter(told.status for told in self.load.told))}",
            f"votes         {dict(self.people.said)}",
            f"not accepted  {dict(self.load.refused)}",
            f"model calls   {sum(self.provider.begun.values())} of {len(self.provider.begun)} keys",
            f"queued again  {len(again)} times; run after median {again[len(again) // 2]:.1f} s, "
            f"95 of 100 {again[len(again) * 95 // 100]:.1f} s, longest {again[-1]:.1f} s",
            f"calm          {len(self.recoveries)} times, after median "
            f"{recovered[len(recovered) // 2]:.1f} s, longest {recovered[-1]:.1f} s, "
            f"allowed {self.lease_seconds + self.settled_within:.0f} s",
        ]
        return "\n".join(lines)

    def words_of_the_fleet(self) -> str:
        """The ends of all logs, and every error that is told of in them."""
        ends = [f"--- {m.name}\n{last_words(m)}" for m in self.fleet.members]
        told = [f"--- {m.name}\n{errors_of(m)}" for m in self.fleet.members]
        return "\n".join([*ends, "=== Errors", *told])


def _taken_up(moves: list[Move]) -> list[float]:
    """Seconds from being queued again to running again, or to an end; sorted."""
    since: dict[str, float] = {}
    found = []
    for move in moves:
        if move.old == "running" and move.new == "queued":
            since[move.execution] = move.at
        elif move.execution in since:
            found.append(move.at - since.pop(move.execution))
    return sorted(found) or [0.0]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
