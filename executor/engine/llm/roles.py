"""The stand-in's answers for the roles of patterns: plans, choices, verdicts, scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from designs.patterns.base import Part
from designs.patterns.prompts import TASK
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.material import material_of, opening
from executor.engine.llm.wording import (
    LABEL,
    extract,
    mentions,
    overlap,
    plain,
    sentences,
    shortened,
    stems,
)

Schema = dict[str, Any]

ANSWER_WORDS = 60
# Short, so that there is something to revise.
DRAFT_WORDS = 30
# Counting words is no reason for a full score.
MAX_SCORE = 85
REASON_WORDS = 5
# The share of common words from which positions count as the same.
AGREEMENT = 0.5
MAX_SUGGESTIONS = 5


def play_role(request: ModelRequest, schema: Schema) -> Any:
    """The answer to a pattern's question; None if the stand-in has none for its purpose."""
    if request.purpose == "replan":
        return {"subtasks": []}
    role = _ROLES.get(request.purpose)
    if role is None:
        return None
    try:
        return role(request, schema)
    except (LookupError, ValueError, AttributeError):
        # Another pattern uses the same purpose with another schema.
        return None


def spoken(request: ModelRequest, max_words: int) -> str:
    """An agent's text: its name, then an extract of the material, or a revised draft or reply."""
    if request.purpose == "reply":
        return _reply_text(request)
    begin = opening(name_of(request))
    if request.purpose == "revise":
        # The draft, and sentences of the material with words that it lacks.
        draft = material_of([Part("Draft", _part(request, "Draft"))])
        material = material_of([part for part in request.parts if part.label != "Draft"])
        missing = set(_missing(stems(material), stems(draft)))
        more = [line for line in sentences(material) if missing & set(stems(line))]
        return begin + " ".join([draft, *(shortened(line, ANSWER_WORDS) for line in more[:2])])
    if request.purpose == "draft":
        max_words = min(max_words, DRAFT_WORDS)
    material = material_of(request.parts)
    if not material:
        return f"{name_of(request)} was given nothing to work on; a model would answer here."
    # Instructions are not repeated, but decide which sentences matter.
    return begin + extract(material, f"{request.system} {_task(request)}", max_words)


def name_of(request: ModelRequest) -> str:
    return request.agent_name or request.role.capitalize()


# --- Choices --------------------------------------------------------------------------------------


def _plan(request: ModelRequest, schema: Schema) -> Any:
    """Each worker gets the sentence of the task that shares most words with it."""
    workers = _options(schema)[: _max_items(schema)]
    lines = sentences(_task(request)) or ["Do the task."]
    subtasks = []
    for turn, worker in enumerate(workers):
        about = stems(_about(worker, request))
        order = [*range(turn, len(lines)), *range(turn)] if turn < len(lines) else range(len(lines))
        best = max(order, key=lambda place: overlap(stems(lines[place]), about))
        subtasks.append({"worker": worker, "task": shortened(lines[best], ANSWER_WORDS)})
    return {"subtasks": subtasks}


def _route(request: ModelRequest, schema: Schema) -> Any:
    """The route that shares most words with the request; if several may be named, also those with
    at least half as many.
    """
    options = _options(schema)
    # The legend of the options is not part of what is asked.
    wanted = stems(
        "\n".join(
            plain(part.value)
            for part in request.parts
            if not isinstance(part.value, dict) or any(name not in part.value for name in options)
        )
    )
    shares = {name: _shared(stems(_about(name, request)), wanted) for name in options}
    ranked = sorted(options, key=lambda name: -len(shares[name]))
    best = ranked[0]
    answer = {"reason": _reason(shares[best])}
    if "routes" not in schema["properties"]:
        return {**answer, "route": best}
    good = [name for name in ranked if 2 * len(shares[name]) >= max(len(shares[best]), 1)]
    return {**answer, "routes": (good or [best])[: _max_items(schema)]}


def _verdict(request: ModelRequest, schema: Schema) -> Any:
    """The answer with most of the task's words wins; among equals the first."""
    task, last_answers = _task(request), dict.fromkeys(_options(schema), "")
    for part in request.parts:
        for name in last_answers:
            if part.label.startswith("Answer of") and mentions(part.label, name):
                last_answers[name] = material_of([part])
    shares = {name: _shared(stems(task), stems(text)) for name, text in last_answers.items()}
    winner = max(last_answers, key=lambda name: len(shares[name]))
    verdict = {"reason": _reason(shares[winner]), "winner": winner}
    if "answer" in schema["properties"]:
        answer = extract(material_of([Part("Answer", last_answers[winner])]), task, ANSWER_WORDS)
        verdict["answer"] = f"{LABEL} {opening(name_of(request))}{answer or 'nothing'}"
    return verdict


def _critique(request: ModelRequest, schema: Schema) -> Any:
    """A score by the share of the material's words that the draft uses."""
    material = material_of([part for part in request.parts if part.label != "Draft"])
    wanted, draft = stems(material), stems(_part(request, "Draft"))
    missing = _missing(wanted, draft)
    more = f"Say more of: {', '.join(missing)}." if missing else "No word of the matter is missing."
    share = overlap(wanted, draft) if wanted else 1.0
    feedback = f"{LABEL} The stand-in counts words and does not judge. {more}"
    return {"feedback": feedback, "score": round(MAX_SCORE * share)}


def _review(request: ModelRequest, schema: Schema) -> Any:
    """One more sentence for the first prompts, about a point that they do not mention."""
    agents: dict[str, Any] = next((p.value for p in request.parts if p.label == "Agents"), {})
    suggestions = []
    own = request.call_key.rpartition("/")[0]
    others = [name for name in _options(schema) if f"{name}/" not in f"{own}/"]
    for name in others[: min(_max_items(schema), MAX_SUGGESTIONS)]:
        prompt = agents[name]["system_prompt"].strip()
        short = "sentence" in prompt.lower()
        more = "Name what you are not sure of." if short else "Answer in at most three sentences."
        lack = "what to do when unsure" if short else "how long an answer may be"
        suggestions.append(
            {
                "agent": name,
                "reasoning": f"{LABEL} The prompt does not say {lack}.",
                "suggested_prompt": f"{prompt} {more}".strip(),
            }
        )
    return {"suggestions": suggestions}


def _reply(request: ModelRequest, schema: Schema) -> Any:
    own, others = _exchange(request)
    agrees = all(overlap(stems(other), stems(own)) >= AGREEMENT for other in others)
    return {"answer": f"{LABEL} {_reply_text(request)}", "agrees": agrees}


def _reply_text(request: ModelRequest) -> str:
    """The debater's own position, and the sentence of the others with most of the task's words."""
    own, others = _exchange(request)
    if not own:
        position = extract(material_of(request.parts), request.system, ANSWER_WORDS)
        name = name_of(request)
        return f"{opening(name)}{position}" if position else f"{name} has no matter."
    own_lines, task = set(sentences(own)), stems(_task(request))
    new = [line for other in others for line in sentences(other) if line not in own_lines]
    best = max(new, key=lambda line: len(_shared(task, stems(line))), default="")
    text = f"{shortened(own, 2 * ANSWER_WORDS)} {shortened(best, 20)}"
    return f"{opening(name_of(request))}{text.strip()}"


# --- Reading the question -------------------------------------------------------------------------


def _task(request: ModelRequest) -> str:
    """The block's task, or all parts if there is none."""
    return _part(request, TASK) or "\n".join(plain(part.value) for part in request.parts)


def _part(request: ModelRequest, label: str) -> str:
    return next((plain(part.value) for part in request.parts if part.label == label), "")


def _options(schema: Schema) -> list[str]:
    return next(_enums(schema), [])


def _enums(schema: Any) -> Iterator[list[str]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            yield schema["enum"]
        for value in schema.values():
            yield from _enums(value)


def _max_items(schema: Schema) -> int:
    """The maximum length of the schema's first list."""
    lists = [value for value in schema["properties"].values() if value.get("type") == "array"]
    return int(lists[0].get("maxItems", 100))


def _about(name: str, request: ModelRequest) -> str:
    """The lines about a name in the legend and the system prompt."""
    lines = [line for line in request.system.splitlines() if mentions(line, name.lower())]
    for part in request.parts:
        if isinstance(part.value, dict) and name in part.value:
            lines.append(plain(part.value[name]))
    return "\n".join([name.replace("_", " "), *lines])


def _exchange(request: ModelRequest) -> tuple[str, list[str]]:
    """The agent's own last answer, and those of the others."""
    others = [material_of([p]) for p in request.parts if p.label.startswith("Answer of")]
    return material_of([Part("Own", _part(request, "Your last answer"))]), others


def _shared(words: Sequence[str], other: Sequence[str]) -> list[str]:
    others = set(other)
    return [word for word in dict.fromkeys(words) if word in others]


def _missing(words: Sequence[str], other: Sequence[str]) -> list[str]:
    others = set(other)
    return [word for word in dict.fromkeys(words) if word not in others][:REASON_WORDS]


def _reason(words: Sequence[str]) -> str:
    shared = ", ".join(words[:REASON_WORDS]) or "none"
    return f"{LABEL} Chosen by shared words: {shared}."


_ROLES: dict[str, Callable[[ModelRequest, Schema], Any]] = {
    "plan": _plan,
    "route": _route,
    "verdict": _verdict,
    "vote": _verdict,
    "reply": _reply,
    "critique": _critique,
    "review": _review,
}
