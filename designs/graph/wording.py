"""Checks the expressions and templates of a design: they parse, and they read names that exist."""

from __future__ import annotations

from collections.abc import Callable, Collection

from designs.graph.expressions import Expression, ExpressionError, Template, compile_output
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
        """`above` are the blocks whose output is available; None if that is not known."""
        if "{{" in source:
            self._check(Template.compile, source, path, above)

    def check_expression(self, source: str, path: str, above: Collection[str] | None) -> None:
        self._check(Expression.compile, source, path, above)

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
            problem = self._read_problem(place, above, is_output)
            if problem is not None:
                self._report.add(path, problem)

    def _read_problem(
        self, place: tuple[str, ...], above: Collection[str] | None, is_output: bool
    ) -> str | None:
        name, inner = place[0], place[1] if len(place) > 1 else None
        if name not in NAMES:
            return self._unknown_name(place)
        if name == "incoming" and is_output:
            return "`incoming` is what a block receives; read `blocks.<id>.output` here."
        if name == "execution" and inner is not None and inner not in FACTS:
            facts = ", ".join(f"`{fact}`" for fact in FACTS)
            return f"`execution` has only {facts}, not `{excerpt(inner)}`."
        if name != "blocks" or inner is None:
            return None
        if inner not in self._ids:
            return f"There is no block `{excerpt(inner)}`.{self._report.nearest(inner, self._ids)}"
        if len(place) > 2 and place[2] != "output":
            return f"A block has only `output`. Write `blocks.{inner}.output`."
        if above is not None and inner not in above:
            return (
                f"`blocks.{inner}.output` is not there at this point: `{inner}` is not upstream. "
                "Connect the blocks, directly or through others."
            )
        return None

    def _unknown_name(self, place: tuple[str, ...]) -> str:
        name = excerpt(place[0])
        quoted = f" For the text itself, write '{name}' in single quotes."
        names = ", ".join(f"`{other}`" for other in NAMES)
        hint = self._report.nearest(place[0], NAMES) + (quoted if len(place) == 1 else "")
        return f"There is no name `{name}` to read; there are {names}.{hint}"
