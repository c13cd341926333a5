"""All of the home page for one caller, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db.models import Exists

from deployments.models import Deployment
from designs.access import Caller
from designs.models import Design
from executor.language_models import registry
from executor.models import Execution
from orchestra.frame.standing import Processes, processes
from orchestra.home import causes
from orchestra.home.asked import Asked, asked
from orchestra.home.attention import Need, needs
from orchestra.home.causes import Failures, failures
from orchestra.home.figures import Figures, figures
from orchestra.home.present import Live, Upcoming, live, recent_designs, upcoming
from orchestra.home.windows import Window, window_of, windows

# From so many runs on nobody starts any more.
FIRST_RUNS = 10


@dataclass(frozen=True)
class FirstSteps:
    """What a new installation needs, and what of it is done."""

    has_run: bool
    has_model: bool
    has_deployment: bool

    @property
    def is_done(self) -> bool:
        return self.has_run and self.has_model and self.has_deployment


@dataclass(frozen=True)
class Board:
    windows: Sequence[Window]
    figures: Figures
    needs: Sequence[Need]
    causes: Sequence[Failures]
    live: Live
    upcoming: Upcoming
    recent: Sequence[Design]
    processes: Processes
    first_steps: FirstSteps | None
    uses_stand_in: bool
    asked: Asked | None
    failing_connections: int

    @property
    def failing_words(self) -> str:
        return f"{self.failing_connections} failing"

    @property
    def has_runs(self) -> bool:
        return bool(self.figures.ended or self.live.number)


def board(caller: Caller, window_key: str = "") -> Board:
    working = processes()
    shown = figures(caller, window_of(window_key))
    found = failures(caller, shown.window)
    going = live(caller)
    uses_stand_in = registry.default_models()[0].startswith("offline:")
    listed = needs(caller, working, shown, found)
    return Board(
        windows=windows(),
        figures=shown,
        needs=listed,
        causes=found[: causes.SHOWN],
        live=going,
        upcoming=upcoming(caller),
        recent=recent_designs(caller),
        processes=working,
        first_steps=_first_steps(caller, shown.ended + going.number, not uses_stand_in),
        uses_stand_in=uses_stand_in,
        # Only runs that wait ask.
        asked=asked(caller) if going.has_waiting else None,
        failing_connections=sum(need.key.startswith("connection-") for need in listed),
    )


def _first_steps(caller: Caller, runs: int, has_model: bool) -> FirstSteps | None:
    """None once everything is done, or much has run. Asks one query while little has."""
    if runs >= FIRST_RUNS:
        return None
    executions = Execution.objects.for_caller(caller).order_by()
    deployments = Deployment.objects.for_caller(caller).order_by()
    # A new installation comes with one.
    deployments = deployments.exclude(endpoint_path__startswith="/samples/")
    person = get_user_model()._default_manager.filter(pk=caller.user_id or 0)
    has_run, has_deployment = person.values_list(Exists(executions), Exists(deployments)).get()
    steps = FirstSteps(has_run, has_model, has_deployment)
    return None if steps.is_done else steps
