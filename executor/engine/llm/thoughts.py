"""Removes a model's private thoughts from its text, whole or streamed."""

from __future__ import annotations

import re

# A tag in backquotes is quoted, not used. The last ones are of models that write in channels, all
# of which some servers pass on.
_TAG = re.compile(
    r"(?<!`)(?:"
    r"(?P<opening><(?:think|thinking|thought|seed:think)>|\[think\]|◁think▷"
    r"|<\|channel\|>(?:analysis|commentary)<\|message\|>)"
    r"|</(?:think|thinking|thought|seed:think)>|\[/think\]|◁/think▷"
    r"|<\|channel\|>final<\|message\|>)",
    re.IGNORECASE,
)
# Text that may be the beginning of a tag is held back.
_BEGUN = re.compile(
    r"(?:`?<\/?[a-z:]{0,10}|`?\[\/?[a-z]{0,5}|`?◁\/?[a-z]{0,5}|`?<\|[a-z|<>]{0,30}|`)\Z",
    re.IGNORECASE,
)


class SpokenText:
    """The text without its thoughts (`<think>…</think>`), in any pieces.

    An opening tag that is never closed hides the rest if it is at the beginning or if the answer
    was cut off; otherwise it is part of the text. The template of some models opens the thought, so
    that only the closing tag comes, after a thought. For those, `begins_inside` holds the text back
    until that tag or the end. `is_unsure` does so until any tag or the end, for a model of which
    this is not known yet; the whole text is the same either way.
    """

    def __init__(self, *, begins_inside: bool = False, is_unsure: bool = False) -> None:
        self._passed_on: list[str] = []
        self._new: list[str] = []
        self._has_begun = False
        # Space before the first word.
        self._blank: list[str] = []
        # After an opening tag, or before an expected closing tag, the text may be a thought.
        self._hides = begins_inside
        self._hidden: list[str] = []
        self._hides_all = False
        self._waits = is_unsure
        # The last characters, which may be part of a tag.
        self._rest = ""
        self.has_thoughts = False
        # Whether a closing tag came without an opening one.
        self.began_inside = False

    @property
    def text(self) -> str:
        return "".join(self._passed_on)

    def add(self, piece: str) -> str:
        """The text that can be passed on now."""
        text, at = self._rest + piece, 0
        for tag in _TAG.finditer(text):
            self._pass_on(text[at : tag.start()])
            self._waits = False
            at = tag.end()
            if tag["opening"] and self._hides:
                self._hidden.append(tag[0])
            elif tag["opening"]:
                self._hides, self._hidden = True, [tag[0]]
                self._hides_all = not self._has_begun
            else:
                if not self.has_thoughts and not self._hidden:
                    # The text so far was a thought. After another thought it is a stray tag.
                    self.began_inside = True
                    self._passed_on.clear()
                    self._new.clear()
                    self._has_begun = False
                self.has_thoughts = True
                self._hides = self._hides_all = False
                self._hidden = []
        begun = _BEGUN.search(text, at)
        end = len(text) if begun is None else begun.start()
        self._pass_on(text[at:end])
        self._rest = text[end:]
        return self._take_new()

    def end(self, *, was_cut: bool = False) -> str:
        """The text that was held back and is no thought."""
        rest, self._rest = self._rest, ""
        self._waits = False
        if self._hides and self._hidden and (was_cut or self._hides_all):
            self.has_thoughts = True
            return self._take_new()
        self._hides = False
        self._pass_on("".join([*self._hidden, rest]))
        return self._take_new()

    def _pass_on(self, text: str) -> None:
        if self._hides:
            self._hidden.append(text)
            return
        if not self._has_begun:
            self._blank.append(text)
            if not text.strip():
                return
            text = "".join(self._blank)
            self._blank.clear()
            if self.has_thoughts:
                # Drop the blank lines between thought and answer.
                text = text.lstrip()
            self._has_begun = True
        self._new.append(text)

    def _take_new(self) -> str:
        if self._waits:
            return ""
        new, self._new = "".join(self._new), []
        self._passed_on.append(new)
        return new
