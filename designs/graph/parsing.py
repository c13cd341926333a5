"""Parses JMESPath into a tree of bounded size, or explains in a sentence why it cannot."""

from __future__ import annotations

from jmespath import exceptions

from designs.graph.grammar import Node, Parser, UnknownVariable
from designs.graph.trees import MAX_DEPTH, tree_depth

MAX_LENGTH = 2_000
MAX_EXCERPT = 120


class ExpressionError(Exception):
    """An expression or template that cannot be parsed or has no value; `message` says why."""

    def __init__(self, message: str, source: str) -> None:
        super().__init__(message)
        self.message = message
        self.source = source


class ExpressionLimit(ExpressionError):
    """An expression that is too long, too deep, or costs too much to evaluate."""


def excerpt(source: str) -> str:
    """An expression, cut to fit into a sentence."""
    return source if len(source) <= MAX_EXCERPT else f"{source[:MAX_EXCERPT]}…"


def parse(source: str) -> Node:
    """Raises ExpressionError, ExpressionLimit."""
    if not source.strip():
        raise ExpressionError("An expression is empty. Write what it reads: `input.text`.", source)
    if len(source) > MAX_LENGTH:
        raise _too_large(source, f"longer than {MAX_LENGTH:,} characters")
    try:
        tree = Parser().tree(source)
    except exceptions.ParseError as error:
        raise _unreadable(source, _reason(error)) from None
    except (IndexError, KeyError, TypeError, ValueError):
        raise _unreadable(source, "it is not JMESPath") from None
    except RecursionError:
        raise _too_deep(source) from None
    if tree_depth(tree) > MAX_DEPTH:
        raise _too_deep(source)
    return tree


def _unreadable(source: str, reason: str) -> ExpressionError:
    return ExpressionError(f"`{excerpt(source)}` cannot be read: {reason}.", source)


def _too_deep(source: str) -> ExpressionLimit:
    return _too_large(source, f"nested deeper than {MAX_DEPTH} levels")


def _too_large(source: str, reason: str) -> ExpressionLimit:
    return ExpressionLimit(
        f"`{excerpt(source)}` is {reason}. Split it over several blocks.", source
    )


def _reason(error: exceptions.ParseError) -> str:
    if isinstance(error, exceptions.LexerError):
        place = f"at character {error.lexer_position + 1}"
        if error.message.startswith("Unclosed"):
            return f"the quote that opens {place} is not closed"
        if error.message.startswith("Unknown token"):
            return f"`{excerpt(str(error.lexer_value))}` {place} does not belong there"
        return f"the text in quotes {place} is not valid"
    if isinstance(error, exceptions.IncompleteExpressionError) or error.token_value == "":
        return "something is missing at its end"
    place = f"`{error.token_value}` at character {error.lex_position + 1}"
    if isinstance(error, UnknownVariable):
        name = error.token_value
        return f"{place} has no value here; give it one, as in `let {name} = input in …`"
    hint = "; compare with `==`" if error.token_type == "ASSIGN" else ""  # noqa: S105
    return f"{place} does not belong there{hint}"
