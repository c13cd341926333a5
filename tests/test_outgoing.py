"""Who may open connections: one guarded client for what users wish, and a few that are known."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.test_architecture import ROOT, name, python_files

CLIENTS = {
    "aiohttp", "ftplib", "http.client", "httpcore2", "httpx", "httpx2", "requests", "smtplib",
    "socket", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc.client",
}  # fmt: skip
KNOWN = {
    "designs/outgoing/guarded_http.py": "callbacks, and models at addresses that users wrote",
    "designs/outgoing/guarded_connector.py": "the same for the client of models that are read here",
    "designs/outgoing/name_lookups.py": "names of those, by the system's resolver",
    "executor/engine/llm/clients.py": "models at an administrator's or a provider's address",
    "executor/engine/llm/bounded_http.py": "the SDKs' client of those, with a bound on answers",
    "executor/engine/llm/lean_client.py": "the client of those that are read here",
    "executor/engine/llm/failures.py": "what the SDKs' client raises",
    "executor/decisions/mail.py": "what the mail server said; mail goes out by Django's own client",
    "executor/tool_connections/transport.py": "tools, through the guarded client",
    "executor/tool_connections/mcp_client.py": "the same, handed to the library of the protocol",
    "executor/tool_connections/requests.py": "requests of HTTP blocks, through the guarded client",
    "executor/tool_connections/servers.py": "types of the guarded client",
    "executor/tool_connections/calling.py": "types and errors of the guarded client",
    "executor/tool_connections/answers.py": "answers of the guarded client",
    "executor/tool_connections/sign_in.py": "tokens of tools, through the guarded client",
    "executor/running/carrier.py": "the name of this machine",
    "orchestra/launcher/installation.py": "the web server's own socket",
    "orchestra/server/listening.py": "the web server's own socket",
    "orchestra/launcher/supervisor.py": "the web server's own socket",
    "orchestra/launcher/programs.py": "whether an own process answers",
}


def clients_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & CLIENTS


def test_only_these_modules_open_connections() -> None:
    paths = python_files("designs", "executor", "deployments", "orchestra")
    assert {name(path) for path in paths if clients_of(path)} == set(KNOWN)


def test_the_search_finds_them(tmp_path: Path) -> None:
    for line in (
        "import httpx2",
        "from urllib import request",
        "from urllib.request import urlopen",
    ):
        path = tmp_path / "module.py"
        path.write_text(f"def f():\n    {line}\n")
        assert clients_of(path), line
    assert ROOT.is_dir()
