"""The small model that comes as a package: served by its command, asked like any other model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings

from executor.engine.events import TextDelta
from executor.engine.llm.base import ErrorKind, ModelError
from executor.language_models.registry import LOCAL, model_registry
from orchestra.launcher.installation import free_loopback_port
from orchestra.launcher.processes import die_with
from tests.executor.engine.llm.conftest import asking_for
from tests.executor.engine.stage import play
from tests.graphs import agent, asking, design
from tests.services import plain_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("local-model")

ROOT = Path(__file__).resolve().parents[4]
KEY = "a-key-of-this-test"
SCHEMA = {
    "type": "object",
    "properties": {"route": {"enum": ["billing", "sales"]}, "reason": {"type": "string"}},
    "required": ["route", "reason"],
    "additionalProperties": False,
}


def serve(data: Path, url: str) -> subprocess.Popen[str]:
    variables = {
        "ORCHESTRA_DATA": str(data),
        "ORCHESTRA_LOCAL_MODEL_URL": url,
        "ORCHESTRA_LOCAL_MODEL_KEY": KEY,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve_local_model"],
        cwd=ROOT,
        env=plain_environment(variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with(os.getpid()),
    )


def wait_until_it_listens(url: str, process: subprocess.Popen[str]) -> None:
    def listens() -> bool:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            answer = httpx.get(f"{url}/models", headers={"Authorization": f"Bearer {KEY}"})
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    wait_until(listens)


@pytest.fixture(scope="module")
def local_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address, as long as this file's tests run."""
    url = f"http://127.0.0.1:{free_loopback_port()}/v1"
    process = serve(tmp_path_factory.mktemp("data"), url)
    try:
        wait_until_it_listens(url, process)
        yield url
    finally:
        process.terminate()
        assert process.wait(60) == 0
        if process.stderr is not None:
            process.stderr.close()


def use(settings: Any, url: str, key: str = KEY) -> None:
    settings.ENVIRONMENT = replace(
        django_settings.ENVIRONMENT, local_model=True, local_model_url=url, local_model_key=key
    )


async def test_a_plain_and_a_structured_answer(settings: Any, local_url: str) -> None:
    use(settings, local_url)
    model = model_registry().resolve(LOCAL)
    answer = await model.complete(asking_for("Say hello in one short sentence."))
    assert answer.text.strip()
    assert (answer.model, answer.cost_usd) == (LOCAL, 0)
    assert 0 < answer.output_tokens <= 200
    assert answer.input_tokens > 5
    request = asking_for("Where does 'my invoice is wrong' belong?", schema=SCHEMA)
    routed = await model.complete(request)
    assert routed.value["route"] in ("billing", "sales")
    assert isinstance(routed.value["reason"], str)


async def test_a_streamed_run(settings: Any, local_url: str) -> None:
    use(settings, local_url)
    raw = design([asking("a", agent("w", model=LOCAL), task="Say hello.")])
    played = await play(raw, models=model_registry(), stream=lambda: True)
    pieces = [event.text for event in played.events if isinstance(event, TextDelta)]
    assert len(pieces) > 1
    assert "".join(pieces) == played.result


async def test_only_those_with_the_key_are_served(settings: Any, local_url: str) -> None:
    use(settings, local_url, key="another-key")
    with pytest.raises(ModelError) as caught:
        await model_registry().resolve(LOCAL).complete(asking_for())
    assert caught.value.kind is ErrorKind.CREDENTIAL


def test_without_an_address_the_command_says_what_to_set(tmp_path: Path) -> None:
    process = serve(tmp_path, "http://example.com/v1")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Set ORCHESTRA_LOCAL_MODEL_URL to http://127.0.0.1:<port>/v1" in said
