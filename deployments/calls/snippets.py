"""How to call a deployment from a shell, Python or JavaScript, with an input that fits."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from deployments.models import Deployment
from executor.acceptance.offers import example_input

KEY = "orc_…"


@dataclass(frozen=True, slots=True)
class Snippet:
    language: str
    code: str


def snippets(deployment: Deployment) -> list[Snippet]:
    """Code that can be pasted; the key is to be filled in."""
    url = deployment.endpoint_url
    body = json.dumps(example_input(deployment.version.document), ensure_ascii=False, indent=2)
    return [
        Snippet("curl", _curl(url, body)),
        Snippet("Python", _python(url, body)),
        Snippet("JavaScript", _javascript(url, body)),
    ]


def _curl(url: str, body: str) -> str:
    lines = (
        f"curl -sS {shlex.quote(url)}",
        f'  -H "Authorization: Bearer {KEY}"',
        '  -H "Content-Type: application/json"',
        f"  -d {shlex.quote(body)}",
    )
    return " \\\n".join(lines)


def _python(url: str, body: str) -> str:
    return f"""import json
import urllib.request

request = urllib.request.Request(
    {json.dumps(url)},
    data=json.dumps(json.loads({json.dumps(body, ensure_ascii=False)})).encode(),
    headers={{"Authorization": "Bearer {KEY}", "Content-Type": "application/json"}},
)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["result"])"""


def _javascript(url: str, body: str) -> str:
    return f"""const answer = await fetch({json.dumps(url)}, {{
  method: "POST",
  headers: {{ "Authorization": "Bearer {KEY}", "Content-Type": "application/json" }},
  body: JSON.stringify({body}),
}});
console.log((await answer.json()).result);"""
