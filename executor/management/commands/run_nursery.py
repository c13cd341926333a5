"""Forks a child process for each run with limited memory; workers start it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from executor.running.nursery import serve


class Command(BaseCommand):
    help = "Carry runs with limited memory; a worker sends them on standard input."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        serve()
