"""Encrypts all stored secrets anew, under the first of the installation's keys."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from designs.secrets.encryption import rotate_encryption


class Command(BaseCommand):
    help = "Encrypt all stored secrets anew, under the first key of ORCHESTRA_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        done = rotate_encryption()
        secrets = "1 secret is" if done.renewed == 1 else f"{done.renewed} secrets are"
        self.stdout.write(f"{secrets} encrypted under the first key.")
        if done.unreadable:
            raise CommandError(
                f"No key opens these: {', '.join(done.unreadable)}. Add the key they were "
                "encrypted under to ORCHESTRA_ENCRYPTION_KEYS, or type them anew; until then keep "
                "the old keys."
            )
