"""What the pages of a new installation are filled with, through its API, as a person would."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext

from tests.installations import ROOT

DEPLOYED = {
    "support-routing": "/support/routing",
    "meeting-notes": "/notes/minutes",
    "code-review": "/dev/code-review",
    "data-pipeline": "/ops/data-pipeline",
    "technical-decision": "/arch/decision-record",
}
# Of an agent with this model there is no answer: nobody gave the installation a key.
NOBODY = "openai:gpt-5-mini"
ENDED = {"completed", "failed", "cancelled", "timed_out"}


@dataclass
class Api:
    """The API with the session of a signed-in browser, or with a key."""

    context: BrowserContext
    address: str
    key: str = ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Accept": "application/json", "Referer": self.address}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        cookies = {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}
        headers["X-CSRFToken"] = cookies.get("csrftoken", "")
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = self.context.request.fetch(
            self.address + path,
            method=method,
            headers=headers,
            data=None if body is None else json.dumps(body),
        )
        assert answer.ok, (method, path, answer.status, answer.text()[:500])
        return answer.json()

    def with_key(self) -> Api:
        """As a program with a key of this person."""
        body = {"name": "pictures", "scopes": ["execute", "read"]}
        key = self.call("POST", "/api/keys", body)["key"]
        return Api(self.context, self.address, key)


def fill(api: Api) -> dict[str, str]:
    """Name → path of the pages that show the rows."""
    scopes = ["execute", "read"]
    key = api.call("POST", "/api/keys", {"name": "crm-prod", "scopes": scopes})
    api.call(
        "POST",
        "/api/keys",
        {"name": "nightly reports", "scopes": scopes[:1], "requests_per_minute": 60},
    )
    caller = Api(api.context, api.address, key["key"])
    pages: dict[str, str] = {}
    for slug, path in DEPLOYED.items():
        known = sample(slug)
        rule = {
            "cron_expression": "*/15 * * * *",
            "timezone": "Europe/Berlin",
            "input_data": known["input_example"],
        }
        schedule = rule if slug == "data-pipeline" else None
        deployment = deploy_document(api, known["document"], path, schedule)
        for _ in range(3):
            ended = run(caller, deployment, known["input_example"])
        pages[f"deployment-{slug}"] = f"/deployments/{deployment}/"
        pages[f"execution-{slug}"] = f"/executions/{ended}/"
    pages |= _troubled(api, caller)
    draft = copy.deepcopy(sample("iterative-writing")["document"])
    api.call("POST", "/api/designs", {"document": {**draft, "name": "Draft of a letter"}})
    return pages


def _troubled(api: Api, caller: Api) -> dict[str, str]:
    """A run that fails, and one that ends with a part missing."""
    failing = copy.deepcopy(sample("support-routing"))
    for block in failing["document"]["blocks"]:
        for agent in block.get("agents", []):
            agent["model"] = NOBODY
    failing["document"]["name"] = "Contract review"
    failed = deploy_document(api, failing["document"], "/legal/contract-review")
    degraded = copy.deepcopy(sample("market-analysis"))
    degraded["document"]["blocks"][0]["agents"][2]["model"] = NOBODY
    partial = deploy_document(api, degraded["document"], "/growth/market-analysis")
    pages = {
        "execution-failed": f"/executions/{run(caller, failed, failing['input_example'])}/",
        "execution-degraded": f"/executions/{run(caller, partial, degraded['input_example'])}/",
        "deployment-off": f"/deployments/{failed}/",
    }
    api.call("PATCH", f"/api/deployments/{failed}", {"status": "inactive"})
    return pages


def sample(slug: str) -> Any:
    return json.loads((ROOT / "designs" / "samples" / f"{slug}.json").read_text())


def deploy_document(
    api: Api, document: dict[str, Any], path: str, schedule: dict[str, Any] | None = None
) -> str:
    design = api.call("POST", "/api/designs", {"document": document})
    api.call("POST", f"/api/designs/{design['id']}/publish", {"note": "First version"})
    return deploy(api, design["id"], path, schedule)


def deploy(api: Api, design: str, path: str, schedule: dict[str, Any] | None = None) -> str:
    body: dict[str, Any] = {"design_id": design, "endpoint_path": path}
    if schedule:
        body["schedule"] = schedule
    return str(api.call("POST", "/api/deployments", body)["id"])


def run(caller: Api, deployment: str, input_data: Any, until: Collection[str] = ENDED) -> str:
    """The id of the run, when it has ended, or has a status of `until`."""
    body = {"input_data": input_data}
    answer = caller.context.request.fetch(
        f"{caller.address}/api/deployments/{deployment}/execute",
        method="POST",
        headers={
            "Authorization": f"Bearer {caller.key}",
            "Content-Type": "application/json",
            "Prefer": "respond-async",
        },
        data=json.dumps(body),
    )
    assert answer.status == 202, answer.text()[:500]
    address = answer.json()["status_url"]
    path = address.removeprefix(caller.address)
    for _ in range(240):
        told = caller.call("GET", path)
        if told["status"] in until:
            return str(told["id"])
        time.sleep(0.25)
    raise AssertionError(f"{path} does not end")
