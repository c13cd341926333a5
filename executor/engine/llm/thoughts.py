"""Takes private thoughts out of what a model says, whether it comes whole or in pieces."""

from __future__ import annotations

import re

# A tag in backquotes is spoken of, not used. The last ones are of models that speak in channels,
# of which some servers pass on all.
_TAG = re.compile(
    r"(?<!`)(?:"
    r"(?P<opening><(?:think|thinking|thought|seed:think)>|\[think\]|◁think▷"
    r"|<\|channel\|>(?:analysis|commentary)<\|message\|>)"
    r"|</(?:think|thinking|thought|seed:think)>|\[/think\]|◁/think▷"
    r"|<\|channel\|>final<\|message\|>)",
    re.IGNORECASE,
)
# What may be the beginning of a tag waits for the rest of it.
_BEGUN = re.compile(
    r"(?:`?<\/?[a-z:]{0,10}|`?\[\/?[a-z]{0,5}|`?◁\/?[a-z]{0,5}|`?<\|[a-z|<>]{0,30}|`)\Z",
    re.IGNORECASE,
)


class SpokenText:
    """The text without its thoughts: `<think>…</think>`, in whatever pieces it comes.

    An opening tag that is never closed hides the rest where it stands at the beginning or where the
    answer was cut off; elsewhere it is a word of the text. Some models are made to think before
    their first word, so that only the closing tag comes: all before it is a thought. For those,
    `begins_inside` holds the text back until that tag or the end. `is_unsure` does so until any tag
    or the end, for a model of which it is not known yet: what is spoken in the end is the same.
    """

    def __init__(self, *, begins_inside: bool = False, is_unsure: bool = False) -> None:
        self._told: list[str] = []
        self._new: list[str] = []
        self._spoke = False
        # Space before the first word.
        self._blank: list[str] = []
        # Behind an opening tag, or before a closing one that is expected: what may be a thought.
        self._hides = begins_inside
        self._hidden: list[str] = []
        self._hides_all = False
        self._waits = is_unsure
        # The last characters, which may be a part of a tag.
        self._rest = ""
        self.has_thoughts = False
        # Whether a thought was closed that nothing had opened.
        self.began_inside = False

    @property
    def text(self) -> str:
        """All that was spoken."""
        return "".join(self._told)

    def add(self, piece: str) -> str:
        """What is certain to be spoken now."""
        text, at = self._rest + piece, 0
        for tag in _TAG.finditer(text):
            self._pass_on(text[at : tag.start()])
            self._waits = False
            at = tag.end()
            if not tag["opening"]:
                self._close()
            elif self._hides:
                self._hidden.append(tag[0])
            else:
                self._hides, self._hidden = True, [tag[0]]
                self._hides_all = not self._spoke
        begun = _BEGUN.search(text, at)
        end = len(text) if begun is None else begun.start()
        self._pass_on(text[at:end])
        self._rest = text[end:]
        return self._taken()

    def end(self, *, was_cut: bool = False) -> str:
        """What was held back and is spoken after all."""
        rest, self._rest = self._rest, ""
        self._waits = False
        if self._hides and self._hidden and (was_cut or self._hides_all):
            self.has_thoughts = True
            return self._taken()
        self._hides = False
        self._pass_on("".join([*self._hidden, rest]))
        return self._taken()

    def _pass_on(self, text: str) -> None:
        if self._hides:
            self._hidden.append(text)
            return
        if not self._spoke:
            self._blank.append(text)
            if not text.strip():
                return
            text = "".join(self._blank)
            self._blank.clear()
            if self.has_thoughts:
                # The blank lines between thought and answer belong to neither.
                text = text.lstrip()
            self._spoke = True
        self._new.append(text)

    def _close(self) -> None:
        if not self.has_thoughts and not self._hidden:
            # Nothing had opened it. After another thought it is a tag too many.
            self.began_inside = True
            self._told.clear()
            self._new.clear()
            self._spoke = False
        self.has_thoughts = True
        self._hides = self._hides_all = False
        self._hidden = []

    def _taken(self) -> str:
        if self._waits:
            return ""
        new, self._new = "".join(self._new), []
        self._told.append(new)
        return new
