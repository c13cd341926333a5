"""The page of all deployments: cards or rows, what each did lately, and the switch of each."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from deployments.models import Deployment
from deployments.schedules import store
from deployments.views import words
from deployments.views.answers import rights_of
from designs.models import DesignVersion
from designs.pictures.charts import KIND_OF_STATE, Mark, spark
from designs.requests import PageRequest, answer_fresh, page_of, requires, searched_text
from executor.history.durations import as_duration
from executor.history.recent import RecentRun, recent_runs
from executor.history.totals import LastDay, last_day_of_deployments

VIEWS = ("cards", "rows")
COOKIE, COOKIE_SECONDS = "deployments_view", 365 * 86_400
# Up to so many, cards are shown to those who have not chosen.
MOST_CARDS = 12
SORTS = {"path": "Path", "latest": "Latest run", "name": "Design"}
STATE_WORDS = {name: name.capitalize() for name in ("all", "active", "failing", "paused", "off")}
NO_RUN = uuid.UUID(int=0)
STATE_SIGNS = {"failing": "failed", "paused": "waiting"}


@dataclass(frozen=True)
class Shown:
    """A deployment as a row or card shows it."""

    deployment: Deployment
    schedule: dict[str, Any] | None
    more_schedules: int
    spark: str
    latest: RecentRun | None
    day: LastDay

    @property
    def cost(self) -> str:
        sums = self.day.sums
        return words.cost_of(sums.cost_usd, sums.model_calls) if sums.runs else "–"

    @property
    def share(self) -> str:
        return words.percent(self.day.share)

    @property
    def newer(self) -> int | None:
        """The number of a later version, if there is one."""
        latest: int | None = getattr(self.deployment, "latest_version", None)
        return latest if latest and latest > self.deployment.version.number else None


@require_safe
@requires("deployments.view_deployment")
def deployment_list(request: PageRequest) -> HttpResponse:
    """`?text=&state=&sort=&view=`; its list refreshes itself."""
    text, asked = searched_text(request), request.GET
    state = asked.get("state", "") if asked.get("state") in STATE_WORDS else "all"
    sort = asked.get("sort", "") if asked.get("sort") in SORTS else "path"
    found = Deployment.objects.for_caller(request.caller).with_last_run().containing(text)
    counts = found.count_states()
    rows = _with_all(found.in_state(state)).order_by(*_order(sort))
    page, links = page_of(request, rows)
    view = _view_of(request, counts["all"])
    context = {
        "shown": shown_of(request, page),
        "text": text,
        "state": state,
        "sort": sort,
        "view": view,
        "sorts": [(name, label, _address(request, sort=name)) for name, label in SORTS.items()],
        "sort_label": SORTS[sort],
        "states": [
            (name, label, counts[name], _address(request, state=name), STATE_SIGNS.get(name, ""))
            for name, label in STATE_WORDS.items()
        ],
        "views": [(name, name.capitalize(), _address(request, view=name)) for name in VIEWS],
        "total": counts["all"],
        **links,
        **rights_of(request),
    }
    response = _answer(request, context)
    if asked.get("view") in VIEWS:
        options: dict[str, Any] = {
            "samesite": "Lax",
            "httponly": True,
            "secure": request.is_secure(),
        }
        response.set_cookie(COOKIE, view, max_age=COOKIE_SECONDS, **options)
    return response


def _answer(request: PageRequest, context: dict[str, Any]) -> HttpResponse:
    """For htmx the list, and the links beside it, which keep what is searched for."""
    template = "deployments/deployment_list.html"
    if not request.htmx:
        return render(request, template, context)
    parts = [render_to_string(f"{template}#live", context, request)]
    for name in ("narrowing", "views"):
        parts.append(render_to_string(f"{template}#{name}", context | {"beside": True}, request))
    return answer_fresh(request, "".join(parts))


def _with_all(rows: Any) -> Any:
    versions = DesignVersion.objects.filter(design=OuterRef("design")).order_by("-number")
    return (
        rows.select_related("design", "version")
        .defer("design__draft", "version__document")
        .prefetch_related(store.without_inputs())
        .annotate(latest_version=Subquery(versions.values("number")[:1]))
        .with_totals()
    )


def _order(sort: str) -> tuple[Any, ...]:
    if sort == "latest":
        return (F("last_run_id").desc(nulls_last=True), "endpoint_path")
    return ("design__name", "endpoint_path") if sort == "name" else ("endpoint_path",)


def _view_of(request: PageRequest, total: int) -> str:
    for chosen in (request.GET.get("view"), request.COOKIES.get(COOKIE)):
        if chosen in VIEWS:
            return str(chosen)
    return "cards" if total <= MOST_CARDS else "rows"


def _address(request: PageRequest, **changes: str) -> str:
    """This list with something else chosen, from its first page."""
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        query[name] = value
    return f"?{query.urlencode()}"


def shown_of(request: PageRequest, rows: Iterable[Deployment]) -> list[Shown]:
    """What is shown of these, by three queries for all of them."""
    deployments = list(rows)
    ids = [row.pk for row in deployments]
    may_see = request.caller.may("deployments.view_schedule")
    runs, days = recent_runs(request.caller, ids), last_day_of_deployments(ids)
    return [
        Shown(
            deployment=row,
            schedule=store.schedule_of(row) if may_see else None,
            more_schedules=max(0, len(row.schedules.all()) - 1) if may_see else 0,
            spark=_spark(tuple(runs[row.pk])),
            latest=runs[row.pk][-1] if runs[row.pk] else None,
            day=days[row.pk],
        )
        for row in deployments
    ]


@lru_cache(maxsize=2_000)
def _spark(runs: tuple[RecentRun, ...]) -> str:
    """A small bar for each run: as high as it took long, a link to it. Drawn once, since lists
    refresh themselves and most deployments have no new run by then.
    """
    # Fifty rows have 1,500 links: the address is put together once.
    before, after = reverse("executor:execution-detail", args=[NO_RUN]).split(str(NO_RUN))
    marks = [
        Mark(
            value=run.duration_ms or 0,
            kind=KIND_OF_STATE.get(run.state, "ok"),
            title=_title(run),
            url=f"{before}{run.id}{after}",
        )
        for run in runs
    ]
    return spark(marks, "Last runs")


def _title(run: RecentRun) -> str:
    at = f"{run.created_at:%Y-%m-%d %H:%M} UTC"
    state = run.state.replace("_", " ").capitalize()
    return f"{state}, {at}" + (
        "" if run.duration_ms is None else f", {as_duration(run.duration_ms)}"
    )
