"""Serves the local model at the address in the environment, until it is stopped."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from executor.engine.llm.local_server import HOST, LocalModelMissing, serve


class Command(BaseCommand):
    help = "Serve the local language model at ORCHESTRA_LOCAL_MODEL_URL."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        url, key = settings.ENVIRONMENT.local_model_url, settings.ENVIRONMENT.local_model_key
        address = urlsplit(url)
        if address.hostname not in (HOST, "localhost") or not address.port or not key:
            raise CommandError(
                f"Set ORCHESTRA_LOCAL_MODEL_URL to http://{HOST}:<port>/v1 "
                "and ORCHESTRA_LOCAL_MODEL_KEY to a key that its callers send."
            )
        try:
            serve(port=address.port, api_key=key)
        except (LocalModelMissing, OSError) as error:
            raise CommandError(str(error)) from error
