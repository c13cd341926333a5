"""The faults, each chosen at random and done to whom it may be done without ending everything."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import redis
from django.db import DatabaseError, InterfaceError, connection

from executor.models import Execution
from tests.faults.fleet import Fleet, Member
from tests.servers import Server

# Where a process dies once, by the kind of process that gets there.
POINTS = {
    "accept": ("web",),
    "claim": ("worker",),
    "step": ("worker", "web"),
    "finish": ("worker", "web"),
    "reap": ("worker",),
    "wait": ("worker", "web"),
    "vote": ("web",),
    "wake": ("web",),
    "occurrence": ("beat",),
}
FROZEN_LEASES = 2.0
PATIENT_TIMES = 15


def _carried(member: Member) -> int:
    """How many executions it runs now, as far as the database says."""
    try:
        owned = Execution.objects.filter(
            status="running", owner__contains=f":{member.serving_pid()}:"
        )
        return owned.count()
    except (DatabaseError, InterfaceError):
        connection.close()
        return 0


@dataclass
class Chaos:
    """One fault after the other; `done` counts them by name, `deaths` what they led to."""

    fleet: Fleet
    broker: Server
    database: Server | None
    lease_seconds: float
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    only: str = ""
    deaths: Counter[str] = field(default_factory=Counter)
    _points: list[tuple[str, str]] = field(default_factory=list)

    def strike(self) -> str:
        """Do one fault: its name. What cannot be done now is left for later."""
        faults: list[tuple[int, str, Callable[[], bool]]] = [
            (4, "kill worker", lambda: self._kill("worker")),
            (2, "kill web", lambda: self._kill("web")),
            (2, "kill web child", self._kill_child),
            (2, "kill beat", lambda: self._kill("beat")),
            (3, "freeze worker", lambda: self._freeze("worker")),
            (2, "freeze web", lambda: self._freeze("web")),
            (1, "freeze beat", lambda: self._freeze("beat")),
            (1, "restart broker, empty", self._restart_broker),
            (1, "empty broker", self._empty_broker),
            (5, "die at a point", self._die_at_point),
            (1, "end gently", self._end_gently),
            (1, "kill while it ends", self._kill_while_ending),
        ]
        if self.database is not None:
            faults += [
                (1, "restart database", lambda: self._restart_database(signal.SIGINT)),
                (1, "crash database", lambda: self._restart_database(signal.SIGQUIT)),
            ]
        faults = [fault for fault in faults if fault[1].startswith(self.only)]
        while True:
            [(_, name, act)] = self.chance.choices(faults, [weight for weight, *_ in faults])
            for _ in range(PATIENT_TIMES):
                if act():
                    self.done[name] += 1
                    return name
                # Nobody of the kind may be hit now: they are just being started.
                self.look_after(0.2)

    def look_after(self, seconds: float) -> None:
        """Let time go by, start again who has died, wake who was frozen long enough."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.deaths.update(self.fleet.look_after())
            time.sleep(0.05)

    def _victim(self, kind: str, *, busiest: bool = False) -> Member | None:
        """One of the kind, if another of it works; so that each is a fault, and not the end.

        Who was started to die at a point is left to do so, for a while.
        """
        ready = [member for member in self.fleet.of(kind) if member.is_ready]
        free = [member for member in ready if not member.is_to_die]
        if not free or len(ready) < 2:
            return None
        return max(free, key=_carried) if busiest else self.chance.choice(free)

    def _kill(self, kind: str) -> bool:
        member = self._victim(kind)
        if member is None:
            return False
        self.fleet.kill(member)
        self.fleet.start(member)
        return True

    def _kill_child(self) -> bool:
        member = self._victim("web")
        return member is not None and self.fleet.kill_child(member)

    def _freeze(self, kind: str) -> bool:
        """One that carries something, if there is such a one: it is to be found out later."""
        member = self._victim(kind, busiest=True)
        return member is not None and self.fleet.freeze(member, FROZEN_LEASES * self.lease_seconds)

    def _end_gently(self) -> bool:
        """As a new release does; it is started again once it has ended."""
        member = self._victim(self.chance.choice(("web", "worker", "beat")))
        if member is None:
            return False
        self.fleet.end(member)
        return True

    def _kill_while_ending(self) -> bool:
        """As a machine does that waits for nobody: what was to be handed over is not."""
        member = self._victim(self.chance.choice(("web", "worker")))
        if member is None:
            return False
        self.fleet.end(member)
        self.look_after(self.chance.uniform(0.05, 1.0))
        if member.is_ending:
            self.fleet.kill(member)
            self.fleet.start(member)
        return True

    def _die_at_point(self) -> bool:
        """Put one in the place of another that dies where it is told to; both are deaths."""
        if not self._points:
            self._points = [(name, when) for name in POINTS for when in ("before", "after")]
            self.chance.shuffle(self._points)
        name, when = self._points[-1]
        member = self._victim(self.chance.choice(POINTS[name]))
        if member is None:
            return False
        self._points.pop()
        self.fleet.kill(member)
        self.fleet.start(member, f"{name}.{when}:{self.chance.randint(1, 3)}")
        return True

    def _restart_broker(self) -> bool:
        self.broker.stop(signal.SIGKILL)
        self.broker.start()
        return True

    def _empty_broker(self) -> bool:
        redis.Redis.from_url(self.broker.url).flushall()
        return True

    def _restart_database(self, how: signal.Signals) -> bool:
        if self.database is None:
            return False
        self.database.stop(how)
        self.database.start()
        return True
