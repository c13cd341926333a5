"""What people and scripts do in an installation full of canaries: runs, failures, callbacks."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
from typing import Any

from designs.secrets.masking import masked
from tests.canaries.visitor import Visitor
from tests.documents import doubling
from tests.installations import ROOT, Installation
from tests.receivers import Receiver
from tests.services import plain_environment
from tests.waiting import wait_until


def canary(kind: str) -> str:
    return f"canary-{kind}-{secrets.token_hex(12)}"


def given() -> dict[str, str]:
    """Secrets that an installation is started with, by their variables."""
    return {
        "SECRET_KEY": canary("django") + secrets.token_urlsafe(32),
        "ORCHESTRA_ENCRYPTION_KEYS": f"{canary('first')},{canary('second')}",
        "ORCHESTRA_ADMIN_PASSWORD": canary("admin"),
        "ORCHESTRA_LLM_KEY": canary("llm"),
        "OPENAI_API_KEY": f"sk-proj-{secrets.token_urlsafe(40)}",
        "ANTHROPIC_API_KEY": f"sk-ant-api03-{secrets.token_urlsafe(40)}",
        "GEMINI_API_KEY": f"AIza{secrets.token_urlsafe(27)}",
    }


def asking(name: str, model: str, **agent: Any) -> dict[str, Any]:
    """One agent that is asked about the whole input, without further tries."""
    return {
        "schema": 1,
        "name": name,
        "blocks": [
            {
                "id": "ask",
                "type": "sequential",
                "task": "Say again: {{ input.text || 'nothing' }}",
                "retries": 0,
                # What would be tried again and again ends by this.
                "timeout_seconds": 6,
                "agents": [{"id": "one", "name": "One", "model": model, **agent}],
            }
        ],
    }


def echoing() -> dict[str, Any]:
    """No model: the input is the output, and a part of a text."""
    block = {"id": "all", "type": "transform", "settings": {"expression": "input"}}
    text = {"template": "Seen: {{ incoming }}"}
    return {
        "schema": 1,
        "name": "Echo",
        "blocks": [block, {"id": "told", "type": "transform", "settings": text}],
        "connections": [{"id": "c", "source": "all", "target": "told"}],
    }


class Story:
    """Does everything once; `known` are the secrets by name, those made on the way too."""

    def __init__(self, installation: Installation, known: dict[str, str]) -> None:
        self.installation = installation
        self.known = known
        self.visitor = Visitor(installation.address)
        self.key = self.command("create_api_key", "admin", "--name", "Script")
        self.known["API key"] = self.key
        self.known["sample key"] = installation.sample[1]

    def command(self, *words: str) -> str:
        """What a management command prints, to the terminal of who may read secrets."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=plain_environment(dict(self.installation.variables)),
            capture_output=True,
            text=True,
            check=True,
        )
        self.visitor.seen[f"errors of {words[0]}"] = done.stderr.encode()
        return done.stdout.strip()

    def api(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self.visitor.api(self.key, method, path, body, **more)

    def sent(self) -> dict[str, str]:
        """The secrets that look like keys. Whoever writes another one into a text has it stand
        there: what people send is not compared with the secrets of the installation.
        """
        return {name: text for name, text in self.known.items() if masked(text) != text}

    def people(self) -> None:
        """Sign-ins that fail and succeed, a new person, a new password."""
        self.known["mistyped password"] = canary("mistyped")
        assert self.visitor.sign_in("admin", self.known["mistyped password"]).status_code != 302
        answer = self.visitor.sign_in("admin", self.known["ORCHESTRA_ADMIN_PASSWORD"])
        assert answer.status_code == 302
        self.known["session id"] = self.visitor.client.cookies["sessionid"]
        self.known["password of ada"] = password = canary("ada")
        made = self.visitor.fill(
            "/admin/auth/user/add/", username="ada", usable_password="true", password1=password,
            password2=password,
        )  # fmt: skip
        assert made.status_code == 302, made.text[:300]

    def connections(self, url: str) -> None:
        """Two by the admin's form, one first with a mistake; one key is changed."""
        keys = {"connection key": canary("vllm"), "odd key": f'{canary("odd")}"\\<&/%+x'}
        self.known |= keys
        form = "/admin/executor/modelconnection/add/"
        fields = {
            "provider": "openai_compatible", "default_model": "repeats", "is_enabled": "on",
            "timeout_seconds": "20", "max_concurrent_calls": "", "takes_json_schema": "on",
            "has_system_role": "on", "streams": "on",
        }  # fmt: skip
        for name, address, key in (
            ("vllm", "nowhere", keys["connection key"]),
            ("vllm", url, keys["connection key"]),
            ("odd", url, keys["odd key"]),
        ):
            made = self.visitor.fill(form, name=name, base_url=address, new_key=key, **fields)
            assert (made.status_code == 302) is (address == url), made.text

    def tools(self, url: str) -> None:
        """Two of the server's address: one by the page, tested and read in vain, one by the API."""
        keys = {"tool secret": canary("tool"), "tool header": canary("area")}
        self.known |= keys
        given = {
            "kind": "mcp", "url": url, "is_enabled": "on", "auth": "bearer", "auth_name": "",
            "timeout_seconds": "20", "max_concurrent_calls": "4", "max_response_bytes": "100000",
            "new_secret": keys["tool secret"], "new_headers": f"X-Area: {keys['tool header']}",
        }  # fmt: skip
        for address, status in (("nowhere", 422), (url, 302)):
            made = self.visitor.fill("/tools/new/", **{**given, "name": "crm", "url": address})
            assert made.status_code == status, made.text
        body = {"name": "api", "kind": "http", "url": url, "auth": "bearer", "is_guarded": False}
        made_by_api = self.api(
            "POST", "/api/tool-connections", {**body, "secret": keys["tool secret"]}
        )
        self.api("POST", f"/api/tool-connections/{made_by_api['id']}/test")

    def keys(self) -> None:
        """Keys that are made, rotated and used wrongly; their texts are told once."""
        body = {"name": "Spare", "scopes": ["read"]}
        made = self.api("POST", "/api/keys", body, once=True)
        turned = self.api(
            "POST", f"/api/keys/{made['id']}/rotate", {"overlap_seconds": 60}, once=True
        )
        self.known |= {"spare key": made["key"], "rotated key": turned["key"]}
        unknown = self.known["unknown key"] = f"orc_0123abcd_{secrets.token_urlsafe(32)}"
        self.visitor.api(unknown, "GET", "/api/designs")
        self.visitor.send("GET", "/api/designs", headers={"X-API-Key": unknown})

    def deploy(self, document: dict[str, Any], **fields: Any) -> tuple[str, str]:
        """(id, path of the endpoint)"""
        design = self.api("POST", "/api/designs", {"document": document})
        path = f"/canaries/{secrets.token_hex(4)}"
        body = {"design_id": design["id"], "endpoint_path": path, **fields}
        made = self.api("POST", "/api/deployments", body)
        assert made.get("status") == "active", made
        return made["id"], f"/api/deployed{path}"

    def runs(self, heard: Receiver) -> None:
        """Runs that say secrets back, in every way there is to run and to fail."""
        said = self.sent()
        everything = {"text": " | ".join(said.values()), "more": [said, *said]}
        wanted = {"callback_url": heard.url}
        _, echo = self.deploy(echoing(), **wanted)
        ways: list[dict[str, str]] = [{}, {"Prefer": "respond-async, wait=20"}]
        for headers in ways:
            assert self.api("POST", echo, everything, **headers)["status"] == "completed"
        for model in ("openai_compatible:repeats", "vllm", "odd:repeats"):
            _, path = self.deploy(asking(f"Asks {model}", model), **wanted)
            for headers in [*ways, {"Idempotency-Key": secrets.token_hex(8)}]:
                assert self.api("POST", path, everything, **headers)["status"] == "completed"
            self._follow(path, everything)
        _, alone = self.deploy(asking("In a process of its own", "vllm"), max_memory_mb=400)
        assert self.api("POST", alone, everything)["status"] == "completed"
        for model in ("openai_compatible:fails-401", "vllm:fails-400", "odd:fails-500",
                      "vllm:fails-429", "openai:gpt-5-mini", "google:gemini-2.5-flash",
                      "vllm-is-not-there", f"vllm:{self.key}"):  # fmt: skip
            _, path = self.deploy(asking(f"Asks {model}", model), **wanted)
            ended = self.api("POST", path, everything)
            assert ended.get("type") == "/problems/run-failed", (model, ended)
        self.refused(echo, everything)

    def _follow(self, path: str, body: Any) -> None:
        """A run as a stream; what the server said in pieces is put together."""
        told = self.api("POST", path, body, Accept="text/event-stream")
        deltas = re.findall(r"^event: delta\ndata: (.*)$", told, re.MULTILINE)
        assert len(deltas) > 3, told
        text = "".join(json.loads(delta)["text"] for delta in deltas)
        assert text.startswith("You sent Bearer (secret), that is '(secret)'. "), text
        self.visitor.seen[f"stream of {path}"] = text.encode()

    def refused(self, path: str, everything: dict[str, Any]) -> None:
        """Calls and texts that are refused, or that hold a secret where none belongs."""
        key = self.known["OPENAI_API_KEY"]
        self.api("POST", path, everything, **{"Idempotency-Key": self.key})
        _, strict = self.deploy(doubling())
        self.api("POST", strict, {"number": f"{key} {self.key}"})
        self.visitor.send("POST", path, content=f"not JSON {key}".encode())
        self.visitor.send("GET", "/no/such/page/")
        self.visitor.send("POST", "/keys/new/", data={"name": "without a token"})
        pasted = asking(f"Pasted {key}", "vllm", system_prompt=f"Use {self.key} and {key}.")
        deployment, where = self.deploy({**pasted, "description": f"with {key}"})
        assert self.api("POST", where, {})["status"] == "completed"
        fields = {"interval_seconds": 1, "input_data": {"text": key}}
        self.api("POST", f"/api/deployments/{deployment}/schedules", fields)

    def secrets_of_callbacks(self, heard: Receiver) -> None:
        """Changed twice: two sign the callbacks meanwhile."""
        deployment, path = self.deploy(echoing(), callback_url=heard.url)
        for name in ("callback secret", "next callback secret"):
            url = f"/api/deployments/{deployment}/callback-secret"
            self.known[name] = self.api("POST", url, {"overlap_seconds": 3600}, once=True)["secret"]
        self._secret_by_admin(deployment)
        before = len(heard.seen)
        self.api("POST", path, {"text": " ".join(self.sent().values())})
        wait_until(lambda: len(heard.seen) > before)
        self.api("GET", f"/api/deployments/{deployment}/deliveries")

    def _secret_by_admin(self, deployment: str) -> None:
        url = f"/admin/deployments/deployment/{deployment}"
        made = self.visitor.fill(f"{url}/callback-secret/", overlap_seconds="3600")
        assert made.status_code == 302, made.text[:300]
        page = self.visitor.send("GET", f"{url}/change/", once=True)
        found = re.search(r"whsec_[\w+/]+", page.text)
        assert found, "the new secret was not shown"
        self.known["callback secret by the admin"] = found[0]

    def read_api(self) -> int:
        """Everything that the API gives out; how many answers."""
        before = len(self.visitor.seen)
        for name in ("designs", "deployments", "executions", "keys"):
            for row in self.api("GET", f"/api/{name}?limit=100")["results"]:
                self._read_row(name, row.get("log_id") or row["id"])
        for path in ("audit", "schema", "schema/design", "health/ready"):
            self.api("GET", f"/api/{path}")
        return len(self.visitor.seen) - before

    def _read_row(self, name: str, pk: str) -> None:
        parts = {
            "designs": ("", "/export", "/versions", "/versions/1"),
            "deployments": ("", "/logs", "/deliveries", "/schedules", "/openapi"),
            "executions": ("", "/steps", "/events"),
            "keys": ("",),
        }
        for part in parts[name]:
            self.api("GET", f"/api/{name}/{pk}{part}")
        if name == "executions":
            self.visitor.send("GET", f"/executions/{pk}/result/")
