"""Why a run ended badly, as a short text that many runs share: its class, model and block type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_LENGTH = 300
# In place of a part that is unknown.
_NONE = "-"

# By class, with a model and without one.
_WORDS: dict[str, tuple[str, str]] = {
    "agent": ("An agent failed", "An agent failed"),
    "block": ("A block failed", "A block failed"),
    "content": ("{model} gave an answer that does not fit", "A model's answer does not fit"),
    "credential": ("The provider refuses the key of {model}", "A provider refuses the key"),
    "design": ("This version has problems", "This version has problems"),
    "expression": ("An expression could not be computed", "An expression could not be computed"),
    "input": ("The input does not fit the design", "The input does not fit the design"),
    "internal": ("An error inside Orchestra", "An error inside Orchestra"),
    "journal": ("A step could not be recorded", "A step could not be recorded"),
    "limit": ("A limit of the run was reached", "A limit of the run was reached"),
    "memory": ("The run needed too much memory", "The run needed too much memory"),
    "output": ("The result does not fit the design", "The result does not fit the design"),
    "quota": ("The account of {model} has no credit left", "An account has no credit left"),
    "rate_limit": ("{model} got too many requests", "A model got too many requests"),
    "rejected": ("People rejected it", "People rejected it"),
    "request": ("{model} refused the request", "A model refused the request"),
    "timed_out": ("The run reached its time limit", "The run reached its time limit"),
    "timeout": ("{model} did not answer in time", "The time limit was reached"),
    "transient": ("{model} could not answer", "A model could not answer"),
    "unavailable": ("{model} is not available", "No model is available"),
    "worker_lost": ("The worker was lost three times", "The worker was lost three times"),
}

_OF_AGENT = re.compile(r"Block '(.+?)': agent '(.+?)' got no answer: (.+)", re.DOTALL)
_OF_BLOCK = re.compile(r"Block '(.+?)': (.+)", re.DOTALL)


class Cause(NamedTuple):
    """The parts of a cause; empty where there are none."""

    kind: str
    model: str = ""
    block_type: str = ""


def cause_of(kind: str, model: str | None = None, block_type: str | None = None) -> str:
    """`class model type`, with a dash for an unknown part before a known one."""
    if model is None and block_type is None:
        return kind[:MAX_LENGTH]
    # No model's name has spaces that matter; the parts are told apart by them.
    name = "_".join((model or _NONE).split())[: MAX_LENGTH - 100]
    return f"{kind} {name} {block_type or _NONE}"[:MAX_LENGTH]


def read_cause(cause: str) -> Cause:
    parts: Sequence[str] = cause.split(" ")
    if len(parts) != 3:
        return Cause(cause)
    return Cause(*("" if part == _NONE else part for part in parts))


def cause_label(cause: str | None) -> str:
    """The cause in a sentence's words, without payloads; empty for none."""
    if not cause:
        return ""
    kind, model, block_type = read_cause(cause)
    words = _WORDS.get(kind)
    text = kind.replace("_", " ").capitalize() if words is None else words[0 if model else 1]
    text = text.format(model=model) if words is not None else text
    return f"{text} ({block_type})" if block_type else text


def error_in_words(message: str, cause: str | None) -> str:
    """The sentence of an error as people read it: who could not do what, and why."""
    if found := _OF_AGENT.fullmatch(message):
        kind, model, _ = read_cause(cause or "")
        block, agent, reason = found.groups()
        verb = "could not reach" if kind == "unavailable" else "got no answer from"
        return f"{agent} ({block}) {verb} {model or 'its model'}: {_without_model(reason, model)}"
    if found := _OF_BLOCK.fullmatch(message):
        return f"{found.group(1)}: {found.group(2)}"
    return message


def _without_model(reason: str, model: str) -> str:
    """Without the model at its beginning, which was named already."""
    rest = reason.removeprefix(f"{model}: ")
    if key := re.fullmatch(r"The model '.+' needs a key: set (\w+)\.", rest):
        return f"no API key is set. Set {key[1]}."
    return rest
