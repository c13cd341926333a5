"""The Celery application of a worker that fetches messages as Celery does, to compare with ours."""

from orchestra.celery import app
from orchestra.server.fetching import FetchAtOnce

app.steps["consumer"].discard(FetchAtOnce)

__all__ = ["app"]
