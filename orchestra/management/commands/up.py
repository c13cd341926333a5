"""`manage.py up`: run the whole installation until Ctrl-C. `make run` ends here."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from orchestra.installation import CannotStart
from orchestra.supervisor import Supervisor


class Command(BaseCommand):
    help = "Start broker, database, web server, workers, scheduler and local model, and watch them."
    # They would import every page before anything is started; `make check` runs them.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor = Supervisor(settings.ENVIRONMENT, folder=settings.BASE_DIR, say=self._say)
        try:
            code = supervisor.run()
        except CannotStart as error:
            self.stderr.write(self.style.ERROR(str(error)))
            code = 1
        sys.exit(code)

    def _say(self, line: str) -> None:
        # Whoever read our output may be gone; the installation runs on.
        with contextlib.suppress(BrokenPipeError):
            self.stdout.write(line)
            self.stdout.flush()
