"""`manage.py prune`: let go what retention does not keep, now, or only say what would go."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deployments.retention import KINDS, count_over, sweep


class Command(BaseCommand):
    help = "Removes what the retention policies do not keep. They are set in the admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would go.")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each kind of row."""
        counts = count_over() if options["dry_run"] else sweep()
        for name, count in asdict(counts).items():
            self.stdout.write(f"{count:>12,} {KINDS[name]}")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed: this was a dry run.")
