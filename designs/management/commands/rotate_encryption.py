"""Encrypts all stored secrets again, with the first of the installation's keys."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from designs.secrets.encryption import rotate_encryption


class Command(BaseCommand):
    help = "Encrypt all stored secrets again, with the first key of ORCHESTRA_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        rotation = rotate_encryption()
        count = rotation.renewed
        secrets = "1 secret is" if count == 1 else f"{count} secrets are"
        self.stdout.write(f"{secrets} encrypted with the first key.")
        if rotation.unreadable:
            raise CommandError(
                f"No key decrypts these: {', '.join(rotation.unreadable)}. Add their key to "
                "ORCHESTRA_ENCRYPTION_KEYS, or enter them again; until then keep the old keys."
            )
