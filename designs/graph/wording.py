"""Checks the expressions and templates of a design: they parse, and they read names that exist."""

from __future__ import annotations

from collections.abc import Callable, Collection

from designs.graph.expressions import Expression, ExpressionError, Template, compile_output
from designs.graph.fixes import renamed_in_text
from designs.graph.report import Report, did_you_mean, excerpt
from designs.graph.spec import MAX_CHARACTERS, MAX_EXPRESSIONS

NAMES = ("input", "blocks", "execution", "incoming")
FACTS = ("id", "trigger", "started_at")


class Wording:
    """The expressions of one document. `ids` are its blocks."""

    def __init__(self, ids: Collection[str], report: Report) -> None:
        self._ids = ids
        self._report = report
        self._left = MAX_EXPRESSIONS
        self._characters_left = MAX_CHARACTERS

    @property
    def characters(self) -> int:
        """Of all expressions so far."""
        return MAX_CHARACTERS - self._characters_left

    def check_template(
        self,
        source: str,
        path: str,
        above: Collection[str] | None,
        more: Collection[str] = (),
    ) -> None:
        """`above` are the blocks whose output is available; None if that is not known. `more` are
        names that it can read besides those of all expressions.
        """
        if "{{" in source:
            self._check(Template.compile, source, path, above, more=more)

    def check_expression(
        self,
        source: str,
        path: str,
        above: Collection[str] | None,
        more: Collection[str] = (),
    ) -> None:
        self._check(Expression.compile, source, path, above, more=more)

    def check_output(self, source: str, path: str) -> None:
        """The document's `output`, which sees all blocks but has no `incoming`."""
        if source.strip():
            self._check(compile_output, source, path, self._ids, is_output=True)

    def _has_budget(self) -> bool:
        if self._report.full:
            return False
        if self._left <= 0:
            self._report.add(
                "", f"The design holds more than {MAX_EXPRESSIONS:,} expressions. Make it smaller."
            )
            return False
        if self._characters_left <= 0:
            self._report.add(
                "",
                f"The design's expressions have more than {MAX_CHARACTERS:,} characters. "
                "Make it smaller.",
            )
            return False
        return True

    def _check(
        self,
        compile_text: Callable[[str], Expression | Template],
        source: str,
        path: str,
        above: Collection[str] | None,
        *,
        is_output: bool = False,
        more: Collection[str] = (),
    ) -> None:
        if not self._has_budget():
            return
        reads = None
        try:
            compiled = compile_text(source)
            reads = compiled.reads
            sources = compiled.expressions if isinstance(compiled, Template) else (source,)
        except ExpressionError as error:
            sources = (error.source,)
            self._report.add(path, error.message)
        self._left -= len(sources)
        self._characters_left -= sum(map(len, sources))
        if reads is not None and reads.everything:
            self._report.add(
                path, "`@` alone stands for all names at once. Name what is read, as in `input`."
            )
        for place in reads.paths if reads is not None else ():
            if place[0] in more:
                continue
            problem, meant = self._read_problem(place, above, is_output)
            if problem is not None:
                fix = None
                if meant and self._report.affords(source):
                    known = len(meant) - 1
                    fix = renamed_in_text(compile_text, source, path, place[: known + 1], meant[-1])
                self._report.add(path, problem, fix)

    def _read_problem(
        self, place: tuple[str, ...], above: Collection[str] | None, is_output: bool
    ) -> tuple[str | None, tuple[str, ...]]:
        """A sentence, and the beginning of the path that was probably meant, if it can be read."""
        name, inner = place[0], place[1] if len(place) > 1 else None
        meant: tuple[str, ...] = ()
        sentence: str | None = None
        if name not in NAMES:
            meant = (self._report.nearest(name, NAMES),)
            sentence = self._unknown_name(place, meant[0])
        elif name == "incoming" and is_output:
            sentence = "`incoming` is what a block receives; read `blocks.<id>.output` here."
        elif name == "execution" and inner is not None and inner not in FACTS:
            facts = ", ".join(f"`{fact}`" for fact in FACTS)
            meant = (name, self._report.nearest(inner, FACTS))
            sentence = f"`execution` has only {facts}, not `{excerpt(inner)}`."
        elif name == "blocks" and inner is not None and inner not in self._ids:
            meant = (name, self._report.nearest(inner, self._ids))
            sentence = f"There is no block `{excerpt(inner)}`.{did_you_mean(meant[1])}"
        else:
            sentence = self._block_problem(place, above)
        if not meant or not meant[-1]:
            return sentence, ()
        mended, _ = self._read_problem((*meant, *place[len(meant) :]), above, is_output)
        return sentence, () if mended else meant

    @staticmethod
    def _block_problem(place: tuple[str, ...], above: Collection[str] | None) -> str | None:
        """Of a read of a block that exists."""
        if place[0] != "blocks" or len(place) < 2:
            return None
        inner = place[1]
        if len(place) > 2 and place[2] != "output":
            return f"A block has only `output`. Write `blocks.{inner}.output`."
        if above is not None and inner not in above:
            return (
                f"`blocks.{inner}.output` is not there at this point: `{inner}` is not upstream. "
                "Connect the blocks, directly or through others."
            )
        return None

    @staticmethod
    def _unknown_name(place: tuple[str, ...], near: str) -> str:
        name = excerpt(place[0])
        quoted = f" For the text itself, write '{name}' in single quotes."
        names = ", ".join(f"`{other}`" for other in NAMES)
        hint = did_you_mean(near) + (quoted if len(place) == 1 else "")
        return f"There is no name `{name}` to read; there are {names}.{hint}"
