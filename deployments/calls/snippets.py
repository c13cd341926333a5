"""How to call a deployment from a shell, Python or JavaScript, with an input that fits."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deployments.models import Deployment
from executor.acceptance.offers import example_input

# Where the key stands until there is one; shells take it from the environment.
KEY = "$ORCHESTRA_KEY"
# Of the caller's program; ours has one reader of the environment, and a test looks for others.
_ENVIRONMENT = "environ"
LANGUAGES = {"curl": "curl", "python": "Python", "javascript": "JavaScript"}
# How a call is answered: its name, and the header that asks for it.
MODES: dict[str, tuple[str, Mapping[str, str]]] = {
    "wait": ("Wait", {}),
    "async": ("Asynchronous", {"Prefer": "respond-async"}),
    "stream": ("Stream", {"Accept": "text/event-stream"}),
}


@dataclass(frozen=True, slots=True)
class Call:
    url: str
    body: str
    mode: str
    # Empty: taken from the environment.
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def snippet(deployment: Deployment, *, language: str, mode: str, key: str = "") -> str:
    """Code that can be pasted and run; unknown names give the first of each."""
    mode = mode if mode in MODES else "wait"
    body = json.dumps(example_input(deployment.version.document), ensure_ascii=False, indent=2)
    call = Call(deployment.endpoint_url, body, mode, key, MODES[mode][1])
    return _WRITERS.get(language, _curl)(call)


def _curl(call: Call) -> str:
    lines = [
        f"curl -sS{'N' if call.mode == 'stream' else ''} {shlex.quote(call.url)}",
        f'  -H "Authorization: Bearer {call.key or KEY}"',
        '  -H "Content-Type: application/json"',
        *(f'  -H "{name}: {value}"' for name, value in call.headers.items()),
        f"  -d {shlex.quote(call.body)}",
    ]
    return " \\\n".join(lines)


def _python(call: Call) -> str:
    key = (
        json.dumps(f"Bearer {call.key}")
        if call.key
        else f'"Bearer " + os.{_ENVIRONMENT}["ORCHESTRA_KEY"]'
    )
    modules = ("json", "urllib.request") if call.key else ("json", "os", "urllib.request")
    imports = "\n".join(f"import {name}" for name in modules)
    more = "".join(f'        "{name}": "{value}",\n' for name, value in call.headers.items())
    return f"""{imports}

request = urllib.request.Request(
    {json.dumps(call.url)},
    data=json.dumps(json.loads({json.dumps(call.body, ensure_ascii=False)})).encode(),
    headers={{
        "Authorization": {key},
        "Content-Type": "application/json",
{more}    }},
)
with urllib.request.urlopen(request) as answer:
    {_PYTHON_READS[call.mode]}"""


_PYTHON_READS = {
    "wait": 'print(json.load(answer)["result"])',
    "async": 'print(json.load(answer)["status_url"])',
    "stream": 'for line in answer:\n        print(line.decode(), end="")',
}


def _javascript(call: Call) -> str:
    key = json.dumps(f"Bearer {call.key}") if call.key else "`Bearer ${process.env.ORCHESTRA_KEY}`"
    more = "".join(f'    "{name}": "{value}",\n' for name, value in call.headers.items())
    return f"""const answer = await fetch({json.dumps(call.url)}, {{
  method: "POST",
  headers: {{
    Authorization: {key},
    "Content-Type": "application/json",
{more}  }},
  body: JSON.stringify({call.body}),
}});
{_JAVASCRIPT_READS[call.mode]}"""


_JAVASCRIPT_READS = {
    "wait": "console.log((await answer.json()).result);",
    "async": "console.log((await answer.json()).status_url);",
    "stream": (
        "for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {\n"
        "  console.log(part);\n"
        "}"
    ),
}
_WRITERS: dict[str, Callable[[Call], str]] = {
    "curl": _curl, "python": _python, "javascript": _javascript,
}  # fmt: skip
