"""How the stand-in plays the roles of patterns: plans, choices, verdicts, scores, suggestions."""

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
# Kept short, so that there is something to revise.
DRAFT_WORDS = 30
# A word counter finds nothing perfect.
BEST_SCORE = 85
REASON_WORDS = 5
# Positions that share so much of their words are held to be the same.
AGREEMENT = 0.5
MAX_SUGGESTIONS = 5


def play_role(request: ModelRequest, schema: Schema) -> Any:
    """The answer to a question that a pattern asks for a purpose; None if the stand-in has none."""
    role = _ROLES.get(request.purpose)
    if role is None:
        return None
    try:
        return role(request, schema)
    except (LookupError, ValueError, AttributeError):
        # A purpose of that name, but another question: its schema has not what the role reads.
        return None


def spoken(request: ModelRequest, most_words: int) -> str:
    """What an agent says of what there is to work on: whose words they would be, then an extract
    that goes by the agent's own words.
    """
    if request.purpose == "draft":
        most_words = min(most_words, DRAFT_WORDS)
    if request.purpose == "revise":
        return _revised(request)
    if request.purpose == "reply":
        return _reply_text(request)
    material = material_of(request.parts)
    if not material:
        return f"{name_of(request)} was given nothing to work on; a model would answer here."
    return f"{opening(name_of(request))}{extract(material, _asked(request), most_words)}"


def name_of(request: ModelRequest) -> str:
    """What people call the agent."""
    return request.agent_name or request.role.capitalize()


def _asked(request: ModelRequest) -> str:
    """The words that say what to do; no answer holds them, but they choose among sentences."""
    return f"{request.system} {_task(request)}"


# --- Choices --------------------------------------------------------------------------------------


def _plan(request: ModelRequest, schema: Schema) -> Any:
    """Each worker gets what of the task speaks most of its own words."""
    workers = _options(schema)[: _most(schema)]
    asked = sentences(_task(request)) or ["Do the task."]
    subtasks = []
    for turn, worker in enumerate(workers):
        about = stems(_about(worker, request))
        order = [*range(turn, len(asked)), *range(turn)] if turn < len(asked) else range(len(asked))
        best = max(order, key=lambda place: overlap(stems(asked[place]), about))
        subtasks.append({"worker": worker, "task": shortened(asked[best], ANSWER_WORDS)})
    return {"subtasks": subtasks}


def _replan(request: ModelRequest, schema: Schema) -> Any:
    return {"subtasks": []}


def _route(request: ModelRequest, schema: Schema) -> Any:
    """The route that shares most words with the request; with several, those half as good."""
    options = _options(schema)
    wanted = stems(_rest(request, options))
    shares = {name: _shared(stems(_about(name, request)), wanted) for name in options}
    ranked = sorted(options, key=lambda name: -len(shares[name]))
    best = ranked[0]
    answer = {"reason": _reason(shares[best])}
    if "routes" not in schema["properties"]:
        return {**answer, "route": best}
    good = [name for name in ranked if 2 * len(shares[name]) >= max(len(shares[best]), 1)]
    return {**answer, "routes": (good or [best])[: _most(schema)]}


def _verdict(request: ModelRequest, schema: Schema) -> Any:
    """Whoever says most of the task's words wins; among equals the first."""
    task, said = _task(request), _said(request, _options(schema))
    shares = {name: _shared(stems(task), stems(text)) for name, text in said.items()}
    winner = max(said, key=lambda name: len(shares[name]))
    verdict = {"reason": _reason(shares[winner]), "winner": winner}
    if "answer" in schema["properties"]:
        answer = extract(material_of([Part("Answer", said[winner])]), task, ANSWER_WORDS)
        verdict["answer"] = f"{LABEL} {opening(name_of(request))}{answer or 'nothing'}"
    return verdict


def _critique(request: ModelRequest, schema: Schema) -> Any:
    """The share of the matter's words that the draft takes up; never the best score, as nobody
    judged.
    """
    matter = [part for part in request.parts if part.label != "Draft"]
    wanted, draft = stems(material_of(matter)), stems(_part(request, "Draft"))
    missing = _missing(wanted, draft)
    more = f"Say more of: {', '.join(missing)}." if missing else "No word of the matter is missing."
    share = overlap(wanted, draft) if wanted else 1.0
    feedback = f"{LABEL} The stand-in counts words and does not judge. {more}"
    return {"feedback": feedback, "score": round(BEST_SCORE * share)}


def _review(request: ModelRequest, schema: Schema) -> Any:
    """One more sentence for the first prompts, in the words that most prompts lack."""
    agents: dict[str, Any] = next((p.value for p in request.parts if p.label == "Agents"), {})
    suggestions = []
    own = request.call_key.rpartition("/")[0]
    others = [name for name in _options(schema) if f"{name}/" not in f"{own}/"]
    for name in others[: min(_most(schema), MAX_SUGGESTIONS)]:
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


# --- Speeches -------------------------------------------------------------------------------------


def _reply(request: ModelRequest, schema: Schema) -> Any:
    own, others = _exchange(request)
    agrees = all(overlap(stems(other), stems(own)) >= AGREEMENT for other in others)
    return {"answer": f"{LABEL} {_reply_text(request)}", "agrees": agrees}


def _position(request: ModelRequest) -> str:
    """The debater's name, then what the matter says of its stance."""
    about = extract(material_of(request.parts), request.system, ANSWER_WORDS)
    return f"{opening(name_of(request))}{about}" if about else f"{name_of(request)} has no matter."


def _reply_text(request: ModelRequest) -> str:
    """One's own position, and what the others say most of the task with."""
    own, others = _exchange(request)
    known = set(sentences(own))
    new = [line for other in others for line in sentences(other) if line not in known]
    if not own:
        return _position(request)
    task = stems(_task(request))
    best = max(new, key=lambda line: len(_shared(task, stems(line))), default="")
    text = f"{shortened(own, 2 * ANSWER_WORDS)} {shortened(best, 20)}"
    return f"{opening(name_of(request))}{text.strip()}"


def _revised(request: ModelRequest) -> str:
    """The draft, and sentences of the matter that say what it lacks."""
    draft = material_of([Part("Draft", _part(request, "Draft"))])
    matter = material_of([part for part in request.parts if part.label != "Draft"])
    missing = set(_missing(stems(matter), stems(draft)))
    more = [line for line in sentences(matter) if missing & set(stems(line))]
    text = " ".join([draft, *(shortened(line, ANSWER_WORDS) for line in more[:2])])
    return f"{opening(name_of(request))}{text}"


# --- Reading the question -------------------------------------------------------------------------


def _task(request: ModelRequest) -> str:
    """The block's task; without one, all there is."""
    return _part(request, TASK) or "\n".join(plain(part.value) for part in request.parts)


def _part(request: ModelRequest, label: str) -> str:
    return next((plain(part.value) for part in request.parts if part.label == label), "")


def _options(schema: Schema) -> list[str]:
    """The names that the schema allows, of whatever stands first in it."""
    return next(_enums(schema), [])


def _enums(schema: Any) -> Iterator[list[str]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            yield schema["enum"]
        for value in schema.values():
            yield from _enums(value)


def _most(schema: Schema) -> int:
    """The longest list that the schema's first list may be."""
    lists = [value for value in schema["properties"].values() if value.get("type") == "array"]
    return int(lists[0].get("maxItems", 100))


def _about(name: str, request: ModelRequest) -> str:
    """What the legend and the system prompt say of a name."""
    told = [line for line in request.system.splitlines() if mentions(line, name.lower())]
    for part in request.parts:
        if isinstance(part.value, dict) and name in part.value:
            told.append(plain(part.value[name]))
    return "\n".join([name.replace("_", " "), *told])


def _rest(request: ModelRequest, names: Sequence[str]) -> str:
    """What is asked, without the legend of names."""
    parts = [
        part
        for part in request.parts
        if not (isinstance(part.value, dict) and all(name in part.value for name in names))
    ]
    return "\n".join(plain(part.value) for part in parts)


def _said(request: ModelRequest, names: Sequence[str]) -> dict[str, str]:
    """What each of the named said last."""
    said = dict.fromkeys(names, "")
    for part in request.parts:
        for name in names:
            if part.label.startswith("Answer of") and mentions(part.label, name):
                said[name] = material_of([part])
    return said


def _exchange(request: ModelRequest) -> tuple[str, list[str]]:
    """One's own last answer, and those of the others."""
    others = [material_of([p]) for p in request.parts if p.label.startswith("Answer of")]
    return material_of([Part("Own", _part(request, "Your last answer"))]), others


def _shared(words: Sequence[str], other: Sequence[str]) -> list[str]:
    known = set(other)
    return [word for word in dict.fromkeys(words) if word in known]


def _missing(words: Sequence[str], other: Sequence[str]) -> list[str]:
    known = set(other)
    return [word for word in dict.fromkeys(words) if word not in known][:REASON_WORDS]


def _reason(words: Sequence[str]) -> str:
    shared = ", ".join(words[:REASON_WORDS]) or "none"
    return f"{LABEL} Chosen by shared words: {shared}."


_ROLES: dict[str, Callable[[ModelRequest, Schema], Any]] = {
    "plan": _plan,
    "replan": _replan,
    "route": _route,
    "verdict": _verdict,
    "vote": _verdict,
    "reply": _reply,
    "critique": _critique,
    "review": _review,
}
