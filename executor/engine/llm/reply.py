"""What a model said in one exchange, gathered from a whole answer or from a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from executor.engine.json_text import storable
from executor.engine.llm.base import MAX_TOKENS
from executor.engine.llm.server_errors import AnswerUnreadable, Refusal, ServerRefused
from executor.engine.llm.thoughts import SpokenText

MAX_TEXT = 1_000_000
# Of a reason, a refusal, a tool's name.
MAX_WORD = 40
MAX_REFUSAL = 300
MAX_TOOLS = 5

# What servers call the reasons, in the words that the engine has for them.
_REASONS = {
    name: reason
    for reason, names in {
        "stop": "stop eos eos_token end_turn stop_sequence complete completed end done finished",
        "length": (
            "length max_tokens max_output_tokens max_new_tokens max_length model_length "
            "context_length context_length_exceeded model_context_window_exceeded token_limit"
        ),
        "content_filter": (
            "content_filter content_filtered safety refusal sensitive recitation blocklist "
            "prohibited_content spii guardrail_intervened"
        ),
        "tool_call": "tool_calls tool_call tool_use function_call",
        "error": (
            "error failed abort aborted cancelled canceled timeout network_error "
            "insufficient_system_resource"
        ),
    }.items()
    for name in names.split()
}


class TextTooLong(Exception):
    """The model says more than is kept."""


class Reply:
    """Filled by whoever reads the protocol; `tell` gets the spoken text as it comes.

    `has_begun`, `has_choice` and `is_ended` tell what was seen: the head of an answer, anything of
    its text, its end.
    """

    def __init__(
        self,
        tell: Callable[[str], None] | None = None,
        *,
        begins_inside: bool = False,
        is_unsure: bool = False,
    ) -> None:
        self._spoken = SpokenText(begins_inside=begins_inside, is_unsure=is_unsure)
        self.finish_reason: str | None = None
        self.input_tokens = self.output_tokens = self.cached_tokens = 0
        self.usage_told = False
        self.refusal = ""
        self.tools: list[str] = []
        self.has_begun = self.has_choice = self.has_text = self.is_ended = False
        # Whether it thought beside what it said.
        self.has_thought = False
        # What was said where an answer should have been.
        self.complaint: Refusal | None = None
        self._tell = tell
        # In characters, thoughts included.
        self.length = 0
        self._index: Any = None

    @property
    def text(self) -> str:
        return self._spoken.text

    @property
    def tells(self) -> bool:
        """Whether somebody was told the text as it came."""
        return self._tell is not None

    @property
    def began_inside(self) -> bool:
        """Whether it began with a thought that nothing had opened."""
        return self._spoken.began_inside

    def is_of(self, index: Any) -> bool:
        """Whether a choice with this index is the first one's, wherever it is counted from."""
        if self._index is None:
            self._index = index
        return index is None or bool(index == self._index)

    def add_text(self, content: Any) -> None:
        """A piece of text, or a part, or a list of parts, of which those of text count."""
        if isinstance(content, list):
            for part in content:
                self._add_part(part)
        elif isinstance(content, dict) and "text" in content:
            self._add_part(content)
        elif isinstance(content, str) and content:
            self.has_text = True
            self.length += len(content)
            if self.length > MAX_TEXT:
                raise TextTooLong
            self._pass_on(self._spoken.add(content))
        elif content is not None and content != "":
            raise AnswerUnreadable

    def add_refusal(self, words: Any) -> None:
        if isinstance(words, str):
            self.refusal = (self.refusal + words)[:MAX_REFUSAL]

    def add_tool(self, name: Any) -> None:
        if isinstance(name, str) and name and len(self.tools) < MAX_TOOLS:
            self.tools.append(name[:MAX_WORD])

    def add_reason(self, reason: Any) -> None:
        if isinstance(reason, str) and reason:
            word = reason[:MAX_WORD].lower()
            self.finish_reason = _REASONS.get(word, word)
            self.is_ended = True

    def add_usage(self, usage: Any) -> None:
        """Counts in the words of either protocol; what is no sensible number was not told."""
        if not isinstance(usage, dict):
            return
        came = _count(usage, "prompt_tokens", "input_tokens")
        went = _count(usage, "completion_tokens", "output_tokens")
        total = _count(usage, "total_tokens")
        if came is not None and total is not None:
            # Some servers count thoughts in the total only; they are paid like words.
            went = max(went or 0, total - came)
        self.usage_told = self.usage_told or (came is not None and went is not None)
        # Servers that tell it more than once count up, and may end with a count of nothing.
        self.input_tokens = max(self.input_tokens, came or 0)
        self.output_tokens = max(self.output_tokens, went or 0)
        details = usage.get("prompt_tokens_details")
        cached = _count(details, "cached_tokens") if isinstance(details, dict) else None
        self.cached_tokens = min(max(self.cached_tokens, cached or 0), self.input_tokens)

    def end(self) -> None:
        """Nothing more comes. Raises AnswerUnreadable if there was nothing of an answer, or
        ServerRefused if it was said why.
        """
        if not self.has_choice:
            raise AnswerUnreadable if self.complaint is None else ServerRefused(self.complaint)
        was_cut = self.finish_reason == "length" or not self.is_ended
        self._pass_on(self._spoken.end(was_cut=was_cut))

    def _add_part(self, part: Any) -> None:
        if isinstance(part, str):
            self.add_text(part)
        elif isinstance(part, dict) and part.get("type", "text") in ("text", "output_text"):
            self.add_text(part.get("text"))

    def _pass_on(self, text: str) -> None:
        if text and self._tell is not None:
            self._tell(storable(text))


def _count(usage: dict[str, Any], *names: str) -> int | None:
    for name in names:
        found = usage.get(name)
        if isinstance(found, str) and found.isascii() and found.isdigit():
            found = int(found[:20])
        if isinstance(found, bool) or not isinstance(found, int | float):
            continue
        if 0 <= found < MAX_TOKENS:
            return int(found)
    return None
