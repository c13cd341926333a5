"""The Celery application, and what workers and schedulers start besides tasks."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

from orchestra.server.fetching import ConsumeWithRoom, FetchAtOnce, takes_work
from orchestra.server.interpreter import keep_what_was_loaded, set_up_interpreter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251
# `make check` runs Django's checks; here they would import all pages.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # noqa: TID251

GRACE_SECONDS = 8.0

app = Celery("orchestra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].update((FetchAtOnce, ConsumeWithRoom))


@signals.worker_ready.connect
def _start_worker(**_: Any) -> None:
    from deployments.upkeep import start_upkeep
    from executor.following.presence import start_noting
    from executor.language_models.key_masking import start_key_masking
    from executor.language_models.registry import load_models
    from executor.running.sweep import start_sweeping
    from executor.running.worker import process_loop, worker_carrier

    process_loop()
    worker_carrier()
    start_key_masking()
    start_sweeping(takes_work=takes_work(app))
    start_noting("worker")
    start_upkeep()
    set_up_interpreter()
    load_models(then=keep_what_was_loaded)


@signals.worker_shutting_down.connect
def _take_no_more(**_: Any) -> None:
    from executor.running.carrier import existing_carrier

    carrier = existing_carrier()
    if carrier is not None:
        carrier.take_no_more()


@signals.worker_shutdown.connect
def _drain(**_: Any) -> None:
    from executor.running.carrier import existing_carrier
    from executor.running.worker import end_process_loop

    carrier = existing_carrier()
    if carrier is not None:
        carrier.drain(GRACE_SECONDS)
    end_process_loop()


@signals.beat_init.connect
def _start_beat(**_: Any) -> None:
    from deployments.upkeep import start_upkeep
    from executor.following.presence import start_noting
    from executor.language_models.key_masking import start_key_masking

    start_key_masking()
    start_noting("beat")
    start_upkeep()
