"""What versions did where they were deployed, from their totals."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from designs.access import Caller
from executor.models import VersionTotals
from executor.models.durations import Durations, merge, percentile

# Of all versions together; the busiest deployments come first.
MAX_PLACES = 5_000


@dataclass(frozen=True, slots=True)
class Use:
    """Of ended runs. `path` is that of the deployment, or empty for all of them."""

    path: str = ""
    runs: int = 0
    completed: int = 0
    degraded: int = 0
    model_calls: int = 0
    cost_usd: Decimal | None = None
    durations: Durations = field(default_factory=dict)
    last_run_at: datetime | None = None

    def __add__(self, other: Use) -> Use:
        costs = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        times = [at for at in (self.last_run_at, other.last_run_at) if at is not None]
        return Use(
            "",
            self.runs + other.runs,
            self.completed + other.completed,
            self.degraded + other.degraded,
            self.model_calls + other.model_calls,
            sum(costs, Decimal(0)) if costs else None,
            merge((self.durations, other.durations)),
            max(times, default=None),
        )

    @property
    def succeeded(self) -> float | None:
        """In percent."""
        return 100 * self.completed / self.runs if self.runs else None

    @property
    def degraded_share(self) -> float | None:
        """In percent."""
        return 100 * self.degraded / self.runs if self.runs else None

    @property
    def median_ms(self) -> int | None:
        return percentile(self.durations, 50)

    @property
    def cost_of_run(self) -> Decimal | None:
        return None if self.cost_usd is None or not self.runs else self.cost_usd / self.runs


@dataclass(frozen=True, slots=True)
class VersionUse:
    """`places` are the deployments with runs of the version, the busiest first."""

    total: Use
    places: list[Use]


def use_of_versions(pks: Iterable[uuid.UUID], *, caller: Caller) -> dict[uuid.UUID, VersionUse]:
    """By version, as far as the caller may see the deployments; one query. A version that never ran
    is left out.
    """
    places: defaultdict[uuid.UUID, list[Use]] = defaultdict(list)
    totals = VersionTotals.objects.for_caller(caller).filter(version__in=list(pks))
    for row in (
        totals.select_related("deployment").only(*_COLUMNS).order_by("-runs", "pk")[:MAX_PLACES]
    ):
        places[row.version_id].append(_use(row))
    return {pk: VersionUse(sum(uses, Use()), uses) for pk, uses in places.items()}


_OWN = ("runs", "completed", "degraded", "model_calls", "cost_usd", "durations", "last_run_at")
_COLUMNS = ("version_id", "deployment__endpoint_path", *_OWN)


def _use(row: Any) -> Use:
    return Use(row.deployment.endpoint_path, **{name: getattr(row, name) for name in _OWN})
