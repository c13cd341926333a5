"""Reads JMESPath text into a parse tree of bounded size, or says in a sentence why it cannot."""

from __future__ import annotations

from jmespath import exceptions, parser

from designs.graph.interpreter import MAX_DEPTH, Node, tree_depth

MAX_LENGTH = 2_000
SHOWN = 120


class ExpressionError(Exception):
    """An expression or template without a value, or unreadable; `message` is a whole sentence."""

    def __init__(self, message: str, source: str) -> None:
        super().__init__(message)
        self.message = message
        self.source = source


class ExpressionLimit(ExpressionError):
    """An expression that is too long, too deep, or costs too much to evaluate."""


def shown(source: str) -> str:
    """An expression as it can stand in a sentence."""
    return source if len(source) <= SHOWN else f"{source[:SHOWN]}…"


def parse(source: str) -> Node:
    """Raises ExpressionError, ExpressionLimit."""
    if not source.strip():
        raise ExpressionError("An expression is empty. Write what it reads: `input.text`.", source)
    if len(source) > MAX_LENGTH:
        raise _too_large(source, f"longer than {MAX_LENGTH:,} characters")
    tree = _parse_bounded(source)
    if tree_depth(tree) > MAX_DEPTH:
        raise _too_deep(source)
    return tree


def _parse_bounded(source: str) -> Node:
    try:
        tree: Node = parser.Parser().parse(source).parsed
        return tree
    except exceptions.IncompleteExpressionError:
        raise _unreadable(source, "something is missing at its end") from None
    except exceptions.LexerError as error:
        raise _unreadable(source, _lexer_reason(error)) from None
    except exceptions.ParseError as error:
        raise _unreadable(source, _parser_reason(error)) from None
    except (IndexError, KeyError, TypeError, ValueError):
        raise _unreadable(source, "it is not JMESPath") from None
    except RecursionError:
        raise _too_deep(source) from None


def _unreadable(source: str, reason: str) -> ExpressionError:
    return ExpressionError(f"`{shown(source)}` cannot be read: {reason}.", source)


def _too_deep(source: str) -> ExpressionLimit:
    return _too_large(source, f"nested deeper than {MAX_DEPTH} levels")


def _too_large(source: str, reason: str) -> ExpressionLimit:
    return ExpressionLimit(f"`{shown(source)}` is {reason}. Split it over several blocks.", source)


def _parser_reason(error: exceptions.ParseError) -> str:
    if error.token_value == "":
        return "something is missing at its end"
    return f"`{error.token_value}` at character {error.lex_position + 1} does not belong there"


def _lexer_reason(error: exceptions.LexerError) -> str:
    place = f"at character {error.lexer_position + 1}"
    if error.message.startswith("Unclosed"):
        return f"the quote that opens {place} is not closed"
    if error.message.startswith("Unknown token"):
        hint = "; compare with `==`" if error.lexer_value == "=" else ""
        return f"`{shown(str(error.lexer_value))}` {place} does not belong there{hint}"
    return f"the text in quotes {place} is not valid"
