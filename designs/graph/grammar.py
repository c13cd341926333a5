"""JMESPath's grammar with arithmetic, bare numbers and `let`: additions to the library's parser.

All that is added was no expression before, so what parsed keeps its tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from jmespath import ast, exceptions, lexer, parser

Node = dict[str, Any]
Token = dict[str, Any]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# Behind these a minus belongs to the number: an index, a slice, or the value of a property.
_BEFORE_NUMBER = frozenset({"lbracket", "colon"})
_SIGNS = {
    "[]": "flatten", "[?": "filter", "[": "lbracket", "||": "or", "|": "pipe", "&&": "and",
    "&": "expref", "<=": "lte", "<": "lt", ">=": "gte", ">": "gt", "!=": "ne", "!": "not",
    "==": "eq", "=": "assign", "//": "floor_divide", "/": "divide", "÷": "divide",
    "+": "plus", "-": "minus", "\u2212": "minus", "%": "modulo", "×": "multiply",
    **lexer.Lexer.SIMPLE_TOKENS,
}  # fmt: skip
# An expression's start is not looked at twice: the longer sign comes first.
_SIGN = re.compile("|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True)))
_ARITHMETIC = {
    "plus": ("+", 6), "minus": ("-", 6), "multiply": ("*", 7), "divide": ("/", 7),
    "modulo": ("%", 7), "floor_divide": ("//", 7),
}  # fmt: skip
# A sign before an operand binds it more tightly than any operator between two.
_SIGN_POWER = 8


class UnknownVariable(exceptions.ParseError):  # type: ignore[misc]
    """A `$name` that no `let` around it has given a value."""


class Lexer(lexer.Lexer):  # type: ignore[misc]
    def tokenize(self, expression: str) -> Iterator[Token]:
        """Tokens with `type`, `value` and `start`; the last is of type `eof`."""
        self._initialize_for_expression(expression)
        before = ""
        while self._current is not None:
            if self._current in self.WHITESPACE:
                self._next()
                continue
            token = self._token(expression, before)
            before = token["type"]
            yield token
        yield _token("eof", "", self._length)

    def _token(self, expression: str, before: str) -> Token:
        read: dict[str, Callable[[], Token]] = {
            "'": self._consume_raw_string_literal,
            "`": self._consume_literal,
            '"': self._consume_quoted_identifier,
        }
        begin = read.get(self._current or "")
        if begin is not None:
            return begin()
        at = self._position
        if word := _WORD.match(expression, at):
            return self._took(word, "unquoted_identifier", word.group())
        if variable := _VARIABLE.match(expression, at):
            return self._took(variable, "variable", variable.group())
        pattern = _NEGATIVE if before in _BEFORE_NUMBER else _NUMBER
        if number := pattern.match(expression, at) or _NUMBER.match(expression, at):
            is_plain = number.lastindex is None
            return self._took(number, "number" if is_plain else "decimal", _number(number))
        if sign := _SIGN.match(expression, at):
            return self._took(sign, _SIGNS[sign.group()], sign.group())
        raise exceptions.LexerError(at, self._current, f"Unknown token {self._current}")

    def _took(self, match: re.Match[str], kind: str, value: Any) -> Token:
        at = match.end()
        if at >= self._length:
            self._position, self._current = self._length - 1, None
        else:
            self._position, self._current = at, self._chars[at]
        return _token(kind, value, match.start())


def _token(kind: str, value: Any, start: int) -> Token:
    return {"type": kind, "value": value, "start": start}


def _number(match: re.Match[str]) -> int | float:
    """Digits beyond what a number can hold become infinite, which the interpreter refuses."""
    text = match.group()
    if match.lastindex is None:
        return int(text)
    return float(text)


class Parser(parser.Parser):  # type: ignore[misc]
    """Adds to the trees: `arithmetic`, `sign`, `let`, `variable`; functions know their place."""

    BINDING_POWER = {
        **parser.Parser.BINDING_POWER,
        **{kind: power for kind, (_, power) in _ARITHMETIC.items()},
        "assign": 0,
        "variable": 0,
        "decimal": 0,
    }

    def __init__(self) -> None:
        super().__init__()
        self._visible: dict[str, int] = {}
        self._variables = 0

    def tree(self, expression: str) -> Node:
        """Raises jmespath's ParseError, and what its parser stumbles over."""
        self._tokens = list(Lexer().tokenize(expression))
        self._index = 0
        tree: Node = self._expression()
        if self._current_token() != "eof":
            self._error_led_token(self._lookahead_token(0))
        return tree

    def _expression(self, binding_power: int = 0) -> Node:
        token = self._lookahead_token(0)
        self._advance()
        begin = getattr(self, f"_token_nud_{token['type']}", None) or self._error_nud_token
        left: Node = begin(token)
        while True:
            token = self._lookahead_token(0)
            # Between two operands it multiplies; where one begins it is a projection.
            kind = "multiply" if token["type"] == "star" else token["type"]
            if binding_power >= self.BINDING_POWER[kind]:
                return left
            self._advance()
            if kind in _ARITHMETIC:
                left = self._arithmetic(left, token, kind)
                continue
            read: Callable[[Node], Node] | None = getattr(self, f"_token_led_{kind}", None)
            if read is None:
                self._error_led_token(token)
            else:
                left = read(left)

    def _parse_projection_rhs(self, binding_power: int) -> Node:
        if self._current_token() == "star":
            return dict(ast.identity())
        return dict(super()._parse_projection_rhs(binding_power))

    # --- Numbers ----------------------------------------------------------------------------------

    def _arithmetic(self, left: Node, token: Token, kind: str) -> Node:
        """A chain of operators that bind alike is one node, however long it is."""
        sign, power = _ARITHMETIC[kind]
        right = self._expression(power)
        operator = (sign, token["start"])
        if left["type"] == "arithmetic" and left["value"] == power:
            left["operators"].append(operator)
            left["children"].append(right)
            return left
        return {
            "type": "arithmetic", "value": power, "operators": [operator],
            "children": [left, right],
        }  # fmt: skip

    def _signed(self, token: Token) -> Node:
        operand = self._expression(_SIGN_POWER)
        if token["type"] == "minus" and operand["type"] == "literal" and "bare" in operand:
            return {**operand, "value": -operand["value"]}
        sign = _ARITHMETIC[token["type"]][0]
        return {"type": "sign", "value": (sign, token["start"]), "children": [operand]}

    _token_nud_minus = _signed
    _token_nud_plus = _signed

    def _bare_number(self, token: Token) -> Node:
        return {**ast.literal(token["value"]), "bare": True}

    def _token_nud_lbracket(self, token: Token) -> Node:
        is_list = self._current_token() == "number" and (
            self._lookahead(1) not in ("rbracket", "colon")
        )
        return dict(
            self._parse_multi_select_list() if is_list else super()._token_nud_lbracket(token)
        )

    _token_nud_number = _bare_number
    _token_nud_decimal = _bare_number

    # --- Variables --------------------------------------------------------------------------------

    def _token_nud_unquoted_identifier(self, token: Token) -> Node:
        if token["value"] == "let" and self._current_token() == "variable":
            return self._let()
        return dict(super()._token_nud_unquoted_identifier(token))

    def _let(self) -> Node:
        """Values see the variables around it, not each other."""
        bound: dict[str, int] = {}
        values, numbers = [], []
        while True:
            name = self._lookahead_token(0)["value"]
            self._match("variable")
            self._match("assign")
            values.append(self._expression())
            self._variables += 1
            numbers.append(self._variables)
            bound[name] = self._variables
            if self._current_token() != "comma":
                break
            self._advance()
        keyword = self._lookahead_token(0)
        if (keyword["type"], keyword["value"]) != ("unquoted_identifier", "in"):
            self._raise_parse_error_maybe_eof("in", keyword)
        self._advance()
        around, self._visible = self._visible, {**self._visible, **bound}
        body = self._expression()
        self._visible = around
        return {"type": "let", "value": numbers, "children": [*values, body]}

    def _token_nud_variable(self, token: Token) -> Node:
        number = self._visible.get(token["value"])
        if number is None:
            raise UnknownVariable(token["start"], token["value"], token["type"], "unknown")
        return {"type": "variable", "value": number, "children": []}

    # --- Functions --------------------------------------------------------------------------------

    def _token_led_lparen(self, left: Node) -> Node:
        start = self._lookahead_token(-2)["start"]
        return {**super()._token_led_lparen(left), "start": start}
