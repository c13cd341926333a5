"""A model's reply in one exchange, collected from a whole answer or a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from executor.engine.json_text import storable
from executor.engine.llm.base import MAX_TOKENS
from executor.engine.llm.server_errors import AnswerUnreadable, Refusal, ServerRefused
from executor.engine.llm.thoughts import SpokenText
from executor.engine.llm.tool_use import CallDraft, ToolCall

MAX_TEXT = 1_000_000
# Of a finish reason or a tool's name, in characters.
MAX_WORD = 40
# Of a called tool's name, or a call's id.
MAX_NAME = 250
MAX_REFUSAL = 300
MAX_TOOLS = 5
# In one answer; further ones are left out.
MAX_CALLS = 100

# The engine's finish reasons, by the names that servers have for them.
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
    def __init__(self) -> None:
        super().__init__(f"the answer has more than {MAX_TEXT:,} characters; be shorter.")


class Reply:
    """Filled by the readers of the protocols; `listener` is called with each piece of text.

    `has_begun`, `has_choice` and `is_ended`: the head of an answer, any of its text, and its end
    were seen.
    """

    def __init__(
        self,
        listener: Callable[[str], None] | None = None,
        *,
        begins_inside: bool = False,
        is_unsure: bool = False,
    ) -> None:
        self._spoken = SpokenText(begins_inside=begins_inside, is_unsure=is_unsure)
        self.finish_reason: str | None = None
        self.input_tokens = self.output_tokens = self.cached_tokens = 0
        self.has_usage = False
        self.refusal = ""
        self.tools: list[str] = []
        # Calls of tools, and the provider's own message with them.
        self.drafts: list[CallDraft] = []
        self.said: Any = None
        self.has_begun = self.has_choice = self.has_text = self.is_ended = False
        # Whether there were thoughts in a field of their own.
        self.has_thought = False
        # Words in place of an answer.
        self.complaint: Refusal | None = None
        self._listener = listener
        # In characters, including thoughts.
        self.length = 0
        self._index: Any = None

    @property
    def text(self) -> str:
        return self._spoken.text

    @property
    def was_streamed(self) -> bool:
        """Whether the text was passed on as it came."""
        return self._listener is not None

    @property
    def began_inside(self) -> bool:
        return self._spoken.began_inside

    def is_of(self, index: Any) -> bool:
        """Whether a choice has the index of the first one, whatever servers count from."""
        if self._index is None:
            self._index = index
        return index is None or bool(index == self._index)

    def add_text(self, content: Any) -> None:
        """Add a piece of text, a part, or a list of parts; only parts of text count."""
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

    def add_call(self, key: Any, call_id: Any, name: Any, arguments: Any) -> CallDraft | None:
        """Add a piece of a call; `key` is its place. A new id begins a new call, as some servers
        give all calls the same place. None for one call too many.
        """
        draft = next((d for d in reversed(self.drafts) if d.key == key), None)
        is_id = isinstance(call_id, str) and call_id != ""
        if draft is None or key is None or (is_id and draft.id not in ("", call_id)):
            if len(self.drafts) >= MAX_CALLS:
                return None
            draft = CallDraft(key)
            self.drafts.append(draft)
        if is_id and not draft.id:
            draft.id = storable(call_id[:MAX_NAME])
        if isinstance(name, str) and not draft.name:
            draft.name = storable(name[:MAX_NAME])
            self.add_tool(name)
        if isinstance(arguments, dict):
            draft.whole = arguments
        elif isinstance(arguments, str):
            self.length += len(arguments)
            if self.length > MAX_TEXT:
                raise TextTooLong
            draft.arguments.append(arguments)
        return draft

    @property
    def calls(self) -> list[ToolCall]:
        return [draft.call() for draft in self.drafts if draft.name]

    def add_reason(self, reason: Any) -> None:
        if isinstance(reason, str) and reason:
            word = reason[:MAX_WORD].lower()
            self.finish_reason = _REASONS.get(word, word)
            self.is_ended = True

    def add_usage(self, usage: Any) -> None:
        """Add the token counts of either protocol; implausible numbers are ignored."""
        if not isinstance(usage, dict):
            return
        input_tokens = _count(usage, "prompt_tokens", "input_tokens")
        output_tokens = _count(usage, "completion_tokens", "output_tokens")
        total = _count(usage, "total_tokens")
        if input_tokens is not None and total is not None:
            # Some servers count thoughts in the total only; they cost as much as text.
            output_tokens = max(output_tokens or 0, total - input_tokens)
        is_complete = input_tokens is not None and output_tokens is not None
        self.has_usage = self.has_usage or is_complete
        # Servers that send it repeatedly count up, and may end with zero.
        self.input_tokens = max(self.input_tokens, input_tokens or 0)
        self.output_tokens = max(self.output_tokens, output_tokens or 0)
        details = usage.get("prompt_tokens_details")
        cached = _count(details, "cached_tokens") if isinstance(details, dict) else None
        self.cached_tokens = min(max(self.cached_tokens, cached or 0), self.input_tokens)

    def end(self) -> None:
        """Finish the reply. Raises AnswerUnreadable if there was no answer, or ServerRefused if
        there were words in its place.
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
        if text and self._listener is not None:
            self._listener(storable(text))


def _count(usage: dict[str, Any], *names: str) -> int | None:
    for name in names:
        count = usage.get(name)
        if isinstance(count, str) and count.isascii() and count.isdigit():
            count = int(count[:20])
        if isinstance(count, bool) or not isinstance(count, int | float):
            continue
        if 0 <= count < MAX_TOKENS:
            return int(count)
    return None
