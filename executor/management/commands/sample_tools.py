"""Starts a small MCP server of harmless tools, to try tool connections with."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

PORT = 8765


class Command(BaseCommand):
    help = (
        "Run a small MCP server with sample tools (orders, currencies, notes) on this machine, "
        "until Ctrl-C. Nothing outside of it is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=PORT, help="The port; 8765 by default.")

    def handle(self, *args: Any, **options: Any) -> None:
        # Only here: it takes a second, and no other command needs it.
        from executor.tool_connections.sample_server import HOST, PATH, serve

        port = options["port"]
        self.stdout.write(f"Sample tools answer at http://{HOST}:{port}{PATH} (Ctrl-C ends them).")
        serve(port)
