"""`manage.py up`, for the list of commands; `manage.py` itself runs it without Django."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from orchestra.launcher.up import up


class Command(BaseCommand):
    help = "Start broker, database, web server, workers, scheduler and local model, and watch them."
    # They would import every page; `make check` runs them.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(up())
