"""Logs of every process show no secret, whoever writes the line and however an error is told."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from designs.secrets import masking
from designs.secrets.known import KnownSecrets
from tests.installations import ROOT
from tests.services import plain_environment

SECRET = "canary of the log 51c9"
API_KEY = "orc_1f0c9a3b_" + "x" * 43


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    masking.learn(SECRET)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What another program's handler writes, with a formatter of its own."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s %(args)s"))
    logger = logging.getLogger("somebody.else")
    logger.addHandler(handler)
    logger.propagate = False
    yield stream
    logger.removeHandler(handler)
    logger.propagate = True


def test_messages_and_their_arguments(written: io.StringIO) -> None:
    logger = logging.getLogger("somebody.else")
    logger.error("No %s for %d, %r", SECRET, 7, {"key": API_KEY})
    logger.error(f"as a whole: {SECRET}")
    logger.error("%(name)s", {"name": SECRET})
    logger.error("postgresql://ada:hunter2-hunter2@db/x")
    text = written.getvalue()
    assert "No (secret) for 7, {'key': 'orc_1f0c9a3b_(secret)'}" in text
    assert "postgresql://ada:(secret)@db/x" in text
    assert not [secret for secret in (SECRET, API_KEY, "hunter2") if secret in text]


def test_an_ordinary_line_is_as_it_was_written(written: io.StringIO) -> None:
    logging.getLogger("somebody.else").error("%s of %d", "three", 3)
    assert written.getvalue() == "[ERROR] three of 3 ('three', 3)\n"


def test_tracebacks_with_all_that_led_to_them(written: io.StringIO) -> None:
    try:
        try:
            raise ValueError(f"refused {SECRET}")
        except ValueError as error:
            raise RuntimeError(f"it failed with {API_KEY}") from error
    except RuntimeError:
        logging.getLogger("somebody.else").exception("Look:")
    text = written.getvalue()
    assert "ValueError: refused (secret)" in text
    assert "RuntimeError: it failed with orc_1f0c9a3b_(secret)" in text
    assert "direct cause" in text
    assert SECRET not in text
    assert API_KEY not in text


def test_a_line_that_cannot_be_formatted_is_the_handlers_matter(written: io.StringIO) -> None:
    record = logging.getLogger("somebody.else").makeRecord(
        "somebody.else", logging.ERROR, __file__, 1, "%d", ("no number",), None
    )
    assert record.args == ("no number",)


PROGRAM = """
import django, logging, sys, threading
django.setup()
from django.conf import settings
key = settings.ENVIRONMENT.llm_key
logging.getLogger("orchestra").warning("starts with %s", key)
def fail():
    raise ValueError(f"thread {key}")
thread = threading.Thread(target=fail); thread.start(); thread.join()
class Late:
    def __del__(self):
        raise ValueError(f"late {key}")
Late()
raise RuntimeError(f"process {key}")
"""


@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_the_last_words_of_processes_and_threads(process: str, tmp_path: Path) -> None:
    """Started as the supervisor starts them; all they write ends in their log."""
    variables = {
        "DJANGO_SETTINGS_MODULE": "orchestra.settings",
        "ORCHESTRA_DATA": str(tmp_path),
        "ORCHESTRA_PROCESS": process,
        "ORCHESTRA_LLM_KEY": SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=plain_environment(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    for words in ("starts with", "thread", "late", "process"):
        assert f"{words} (secret)" in said, said
    assert SECRET not in said
    assert done.returncode == 1
