"""Checks expressions and templates of a design: they can be read, and they read what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from designs.graph.expressions import Expression, ExpressionError, Template, compile_output
from designs.graph.reads import Reads
from designs.graph.report import Report, excerpt
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

    def check_template(self, source: str, path: str, above: Collection[str] | None) -> None:
        """`above` are the blocks whose output is there; None if that is not known."""
        if "{{" in source and self._may_go_on():
            self._check(source, path, above, "template")

    def check_expression(self, source: str, path: str, above: Collection[str] | None) -> None:
        if self._may_go_on():
            self._check(source, path, above, "expression")

    def check_output(self, source: str, path: str) -> None:
        """The document's `output`, which sees all blocks."""
        if source.strip() and self._may_go_on():
            self._check(source, path, self._ids, "output")

    def _may_go_on(self) -> bool:
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

    def _count(self, sources: Iterable[str]) -> None:
        for source in sources:
            self._left -= 1
            self._characters_left -= len(source)

    def _check(self, source: str, path: str, above: Collection[str] | None, kind: str) -> None:
        try:
            compiled = _compile(source, kind)
        except ExpressionError as error:
            self._count([error.source])
            self._report.add(path, error.message)
            return
        self._count(compiled.expressions if isinstance(compiled, Template) else [source])
        self._check_reads(compiled.reads, path, above, is_output=kind == "output")

    def _check_reads(
        self, reads: Reads, path: str, above: Collection[str] | None, *, is_output: bool
    ) -> None:
        if reads.everything:
            self._report.add(
                path, "`@` alone stands for all names at once. Name what is read, as in `input`."
            )
        for place in reads.paths:
            problem = self._read_problem(place, above, is_output)
            if problem is not None:
                self._report.add(path, problem)

    def _read_problem(
        self, place: tuple[str, ...], above: Collection[str] | None, is_output: bool
    ) -> str | None:
        name = place[0]
        if name not in NAMES:
            return self._unknown_name(place)
        if name == "incoming" and is_output:
            return "`incoming` is what a block receives; read `blocks.<id>.output` here."
        if name == "execution" and len(place) > 1 and place[1] not in FACTS:
            facts = ", ".join(f"`{fact}`" for fact in FACTS)
            return f"`execution` has only {facts}, not `{excerpt(place[1])}`."
        if name == "blocks" and len(place) > 1:
            return self._block_problem(place, above)
        return None

    def _block_problem(self, place: tuple[str, ...], above: Collection[str] | None) -> str | None:
        name = place[1]
        if name not in self._ids:
            return f"There is no block `{excerpt(name)}`.{self._report.nearest(name, self._ids)}"
        if len(place) > 2 and place[2] != "output":
            return f"A block has only `output`. Write `blocks.{name}.output`."
        if above is not None and name not in above:
            return (
                f"`blocks.{name}.output` is not there at this point: `{name}` is not upstream. "
                "Connect the blocks, directly or through others."
            )
        return None

    def _unknown_name(self, place: tuple[str, ...]) -> str:
        name = excerpt(place[0])
        quoted = f" For the text itself, write '{name}' in single quotes."
        known = ", ".join(f"`{known}`" for known in NAMES)
        hint = self._report.nearest(place[0], NAMES) + (quoted if len(place) == 1 else "")
        return f"There is no name `{name}` to read; there are {known}.{hint}"


def _compile(source: str, kind: str) -> Expression | Template:
    if kind == "output":
        return compile_output(source)
    return Template.compile(source) if kind == "template" else Expression.compile(source)
