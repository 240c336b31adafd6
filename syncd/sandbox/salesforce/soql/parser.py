"""SOQL tokens into a tree, by the grammar of the SOQL reference; what the sandbox lacks is refused, never guessed.

As on the platform, AND and OR do not mix without parentheses.
"""

from __future__ import annotations

from datetime import date

from syncd.clock import parse_instant
from syncd.sandbox.salesforce.refusals import Refusal, malformed_query
from syncd.sandbox.salesforce.soql.lexer import Token, tokens_of, unescaped
from syncd.sandbox.salesforce.soql.tree import (
    Comparison,
    Condition,
    Junction,
    Literal,
    LiteralKind,
    Negation,
    OrderTerm,
    Query,
)

_LONGEST_QUERY = 100_000
_LONGEST_LITERAL = 4_000
_LARGEST_OFFSET = 2_000
_KEYWORDS = frozenset({"FROM", "WHERE", "ORDER", "LIMIT", "OFFSET", "GROUP", "HAVING", "WITH", "FOR", "USING", "ALL"})
_LITERALS = {"TRUE": LiteralKind.BOOLEAN, "FALSE": LiteralKind.BOOLEAN, "NULL": LiteralKind.NULL}


def parse(text: str) -> Query:
    """The tree of a query. Raises Refusal MALFORMED_QUERY, as the platform does."""
    if len(text) > _LONGEST_QUERY:
        raise malformed_query(f"SOQL statements cannot be longer than {_LONGEST_QUERY} characters.")
    parser = _Parser(text)
    query = parser.query()
    parser.expect_end()
    return query


class _Parser:
    """A recursive-descent parser over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _unexpected(self) -> Refusal:
        token = self._next
        return malformed_query(
            f"{self._text[max(0, token.at - 30) : token.at + 30]}\n^\nunexpected token: '{token.text}'"
        )

    def _take(self, kind: str) -> Token:
        """The next token, which must be of this kind."""
        if self._next.kind != kind:
            raise self._unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, *words: str) -> bool:
        """Whether the next tokens are these words or marks; takes them if so."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if [token.word for token in ahead] != list(words):
            return False
        self._at += len(words)
        return True

    def _require(self, *words: str) -> None:
        if not self._accept(*words):
            raise self._unexpected()

    def expect_end(self) -> None:
        """MALFORMED_QUERY where anything is left over."""
        if self._next.kind != "end":
            raise self._unexpected()

    def query(self) -> Query:
        """`SELECT … FROM … [WHERE …] [ORDER BY …] [LIMIT n] [OFFSET n]`."""
        self._require("SELECT")
        count, group = False, None
        paths: tuple[tuple[str, ...], ...] = ()
        if self._accept("COUNT", "(", ")"):
            count = True
        elif self._accept("FIELDS", "("):
            group = self._take("name").word
            self._require(")")
        else:
            paths = self._paths()
        self._require("FROM")
        name = self._take("name").text
        alias = self._take("name").text if self._next.kind == "name" and self._next.word not in _KEYWORDS else None
        where = self._condition() if self._accept("WHERE") else None
        order = self._order() if self._accept("ORDER", "BY") else ()
        limit = self._count() if self._accept("LIMIT") else None
        offset = self._count() if self._accept("OFFSET") else 0
        if offset > _LARGEST_OFFSET:
            raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_LARGEST_OFFSET}")
        return Query(self._text, name, alias, paths, count, group, where, order, limit, offset)

    def _paths(self) -> tuple[tuple[str, ...], ...]:
        """The selected fields, each once."""
        paths: list[tuple[str, ...]] = []
        seen: set[str] = set()
        while True:
            token = self._take("name")
            if token.text.lower() in seen:
                raise malformed_query(f"duplicate field selected: {token.text}")
            seen.add(token.text.lower())
            paths.append(tuple(token.text.split(".")))
            if not self._accept(","):
                return tuple(paths)

    def _count(self) -> int:
        """The whole number after LIMIT or OFFSET."""
        token = self._take("number")
        if not token.text.isdigit():
            raise malformed_query(f"unexpected token: '{token.text}'")
        return int(token.text)

    def _order(self) -> tuple[OrderTerm, ...]:
        """The terms after ORDER BY; null values come first unless told otherwise."""
        terms: list[OrderTerm] = []
        while True:
            path = tuple(self._take("name").text.split("."))
            descending = self._accept("DESC")
            if not descending:
                self._accept("ASC")
            nulls_first = not self._accept("NULLS", "LAST")
            if nulls_first:
                self._accept("NULLS", "FIRST")
            terms.append(OrderTerm(path, descending, nulls_first))
            if not self._accept(","):
                return tuple(terms)

    def _condition(self) -> Condition:
        """Conditions joined by AND alone or by OR alone."""
        parts = [self._simple()]
        operator: str | None = None
        while self._next.word in ("AND", "OR") and self._next.kind == "name":
            word = self._next.word
            if operator not in (None, word):
                raise self._unexpected()
            operator = word
            self._at += 1
            parts.append(self._simple())
        return parts[0] if operator is None else Junction(operator, tuple(parts))

    def _simple(self) -> Condition:
        """A comparison, a condition in parentheses, or NOT one of these."""
        if self._accept("NOT"):
            return Negation(self._simple())
        if self._accept("("):
            inner = self._condition()
            self._require(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        """`field operator value`."""
        path = tuple(self._take("name").text.split("."))
        if self._accept("NOT", "IN"):
            return self._membership(path, "NOT IN")
        if self._accept("IN"):
            return self._membership(path, "IN")
        if self._next.word in ("INCLUDES", "EXCLUDES"):
            word = self._next.word
            self._at += 1
            return Comparison(path, word, self._list())
        if self._accept("LIKE"):
            value = self._literal()
            if value.kind is not LiteralKind.STRING:
                raise malformed_query("LIKE takes a string")
            return Comparison(path, "LIKE", (value,))
        operator = self._take("operator").text
        return Comparison(path, "!=" if operator == "<>" else operator, (self._literal(),))

    def _membership(self, path: tuple[str, ...], operator: str) -> Comparison:
        """The list or the subquery after IN."""
        if self._next.text == "(" and self._tokens[self._at + 1].word == "SELECT":
            self._require("(")
            query = self.query()
            self._require(")")
            return Comparison(path, operator, (), query)
        return Comparison(path, operator, self._list())

    def _list(self) -> tuple[Literal, ...]:
        """Literals in parentheses, one at least."""
        self._require("(")
        values = [self._literal()]
        while self._accept(","):
            values.append(self._literal())
        self._require(")")
        return tuple(values)

    def _literal(self) -> Literal:
        """One constant."""
        token = self._next
        self._at += 1
        match token.kind:
            case "string":
                text = unescaped(token.text)
                if len(text) > _LONGEST_LITERAL:
                    raise malformed_query(f"a string literal is longer than {_LONGEST_LITERAL} characters")
                return Literal(LiteralKind.STRING, text)
            case "number":
                return Literal(LiteralKind.NUMBER, token.text)
            case "date" | "datetime":
                return _dated(token)
            case "period":
                name, _, count = token.word.partition(":")
                return Literal(LiteralKind.PERIOD, name, int(count))
            case "name" if token.word in _LITERALS:
                return Literal(_LITERALS[token.word], token.word.lower())
            case "name":
                return Literal(LiteralKind.PERIOD, token.word)
            case _:
                self._at -= 1
                raise self._unexpected()


def _dated(token: Token) -> Literal:
    """A date or an instant that exists in the calendar."""
    kind = LiteralKind(token.kind)
    try:
        if kind is LiteralKind.DATE:
            date.fromisoformat(token.text)
        else:
            parse_instant(token.text)
    except ValueError as error:
        raise malformed_query(f"Invalid {token.kind}: {token.text}") from error
    return Literal(kind, token.text)
