"""SOQL tokens into a tree, by the grammar of the SOQL reference; what the sandbox lacks is refused, never guessed.

As on the platform, AND and OR do not mix without parentheses.
"""

from __future__ import annotations

from datetime import date

from syncd.clock import parse_instant
from syncd.sandbox.salesforce.refusals import Refusal, malformed_query
from syncd.sandbox.salesforce.soql.lexer import Token, tokens_of, unescaped
from syncd.sandbox.salesforce.soql.tree import (
    AGGREGATES,
    Comparison,
    Condition,
    Junction,
    Literal,
    LiteralKind,
    Negation,
    OrderTerm,
    Query,
    Selected,
    Term,
    TypeOf,
)

_LONGEST_QUERY = 100_000
_LONGEST_LITERAL = 4_000
_LARGEST_OFFSET = 2_000
_KEYWORDS = frozenset({"FROM", "WHERE", "ORDER", "LIMIT", "OFFSET", "GROUP", "HAVING", "WITH", "FOR", "USING", "ALL"})
_CLAUSES = _KEYWORDS | {"ASC", "DESC", "NULLS"}
FUNCTIONS = frozenset(
    {
        "CALENDAR_MONTH",
        "CALENDAR_QUARTER",
        "CALENDAR_YEAR",
        "DAY_IN_MONTH",
        "DAY_IN_WEEK",
        "DAY_IN_YEAR",
        "DAY_ONLY",
        "FISCAL_MONTH",
        "FISCAL_QUARTER",
        "FISCAL_YEAR",
        "HOUR_IN_DAY",
        "TOLABEL",
        "WEEK_IN_YEAR",
    }
)
"""The functions of one row's value; those of a group are tree.AGGREGATES. FORMAT, convertCurrency and others lack."""
_MODES = ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE")
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

    def query(self, *, child: bool = False) -> Query:
        """`SELECT … FROM … [WHERE …] [GROUP BY …] [HAVING …] [ORDER BY …] [LIMIT n] [OFFSET n] [FOR VIEW]`."""
        self._require("SELECT")
        count, fields = False, None
        items: list[Selected | Query | TypeOf] = []
        if self._accept("COUNT", "(", ")"):
            count = True
        elif self._accept("FIELDS", "("):
            fields = self._take("name").word
            self._require(")")
        else:
            items = self._items(child=child)
        self._require("FROM")
        name = self._take("name").text
        alias = self._take("name").text if self._next.kind == "name" and self._next.word not in _KEYWORDS else None
        where = self._condition() if self._accept("WHERE") else None
        if self._accept("WITH"):
            self._mode()
        grouping = self._grouping() if self._accept("GROUP", "BY") else ()
        having = self._condition() if grouping and self._accept("HAVING") else None
        order = self._order() if self._accept("ORDER", "BY") else ()
        limit = self._count() if self._accept("LIMIT") else None
        offset = self._count() if self._accept("OFFSET") else 0
        if offset > _LARGEST_OFFSET:
            raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_LARGEST_OFFSET}")
        if self._accept("FOR") and not (self._accept("VIEW") or self._accept("REFERENCE")):
            raise self._unexpected()
        query = Query(
            text=self._text,
            object=name,
            alias=alias,
            selected=tuple(item for item in items if isinstance(item, Selected)),
            children=tuple(item for item in items if isinstance(item, Query)),
            types=tuple(item for item in items if isinstance(item, TypeOf)),
            count=count,
            fields=fields,
            where=where,
            grouping=grouping,
            having=having,
            order=order,
            limit=limit,
            offset=offset,
        )
        _check_aliases(query)
        return query

    def _mode(self) -> None:
        """The word after WITH; the integration user's own rights hold in any case."""
        if self._take("name").word not in _MODES:
            self._at -= 1
            raise self._unexpected()

    def _items(self, *, child: bool) -> list[Selected | Query | TypeOf]:
        """The select list: fields each once, functions, subqueries over child relationships, TYPEOF."""
        items: list[Selected | Query | TypeOf] = []
        seen: set[Term] = set()
        while True:
            if self._next.text == "(":
                if child:
                    raise self._unexpected()
                self._require("(")
                items.append(self.query(child=True))
                self._require(")")
            elif self._accept("TYPEOF"):
                items.append(self._type_of())
            else:
                at = self._next
                item = self._item()
                folded = Term(tuple(part.lower() for part in item.term.path), item.term.function)
                if folded in seen and item.alias is None:
                    raise malformed_query(f"duplicate field selected: {at.text}")
                seen.add(folded)
                items.append(item)
            if not self._accept(","):
                return items

    def _item(self) -> Selected:
        """A field or a function, with an alias where one stands."""
        term = self._term(aggregates=True)
        named = self._next.kind == "name" and self._next.word not in _CLAUSES
        return Selected(term, self._take("name").text if named else None)

    def _term(self, *, aggregates: bool = False) -> Term:
        """A field path or a function of one; aggregates only where they may stand."""
        token = self._take("name")
        if self._next.text != "(":
            return Term(tuple(token.text.split(".")))
        if token.word not in FUNCTIONS and not (aggregates and token.word in AGGREGATES):
            self._at -= 1
            raise self._unexpected()
        self._require("(")
        path = tuple(self._take("name").text.split("."))
        self._require(")")
        return Term(path, token.word)

    def _type_of(self) -> TypeOf:
        """What follows the word TYPEOF."""
        path = tuple(self._take("name").text.split("."))
        cases: dict[str, tuple[tuple[str, ...], ...]] = {}
        while self._accept("WHEN"):
            name = self._take("name").text
            self._require("THEN")
            cases[name.lower()] = self._path_list()
        otherwise = self._path_list() if self._accept("ELSE") else ()
        self._require("END")
        if not cases:
            raise self._unexpected()
        return TypeOf(path, cases, otherwise)

    def _path_list(self) -> tuple[tuple[str, ...], ...]:
        """Field paths with commas between them."""
        paths = [tuple(self._take("name").text.split("."))]
        while self._accept(","):
            paths.append(tuple(self._take("name").text.split(".")))
        return tuple(paths)

    def _grouping(self) -> tuple[Term, ...]:
        """The terms after GROUP BY; ROLLUP and CUBE are not here."""
        terms = [self._term()]
        while self._accept(","):
            terms.append(self._term())
        return tuple(terms)

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
            term = self._term(aggregates=True)
            descending = self._accept("DESC")
            if not descending:
                self._accept("ASC")
            nulls_first = not self._accept("NULLS", "LAST")
            if nulls_first:
                self._accept("NULLS", "FIRST")
            terms.append(OrderTerm(term, descending, nulls_first))
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
        """`term operator value`."""
        term = self._term(aggregates=True)
        if self._accept("NOT", "IN"):
            return self._membership(term, "NOT IN")
        if self._accept("IN"):
            return self._membership(term, "IN")
        if self._next.word in ("INCLUDES", "EXCLUDES"):
            word = self._next.word
            self._at += 1
            return Comparison(term, word, self._list())
        if self._accept("LIKE"):
            value = self._literal()
            if value.kind is not LiteralKind.STRING:
                raise malformed_query("LIKE takes a string")
            return Comparison(term, "LIKE", (value,))
        operator = self._take("operator").text
        return Comparison(term, "!=" if operator == "<>" else operator, (self._literal(),))

    def _membership(self, term: Term, operator: str) -> Comparison:
        """The list or the subquery after IN."""
        if self._next.text == "(" and self._tokens[self._at + 1].word == "SELECT":
            self._require("(")
            query = self.query(child=True)
            self._require(")")
            if len(query.selected) != 1:
                raise malformed_query("a semi-join selects one field")
            return Comparison(term, operator, (), query)
        return Comparison(term, operator, self._list())

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


def _check_aliases(query: Query) -> None:
    """Only an aggregate query renames what it selects; what it does not aggregate it groups by."""
    if query.count and (query.grouping or query.order):
        raise malformed_query("COUNT() stands alone: no GROUP BY and no ORDER BY")
    if query.aggregate:
        grouped = {(tuple(part.lower() for part in term.path), term.function) for term in query.grouping}
        loose = [
            item.term
            for item in query.selected
            if not item.term.aggregates
            and (tuple(part.lower() for part in item.term.path), item.term.function) not in grouped
        ]
        if loose or query.children or query.types or query.fields:
            name = ".".join(loose[0].path) if loose else "a subquery"
            raise malformed_query(f"Field must be grouped or aggregated: {name}")
        return
    for item in query.selected:
        if item.alias is not None and item.term.function is None:
            raise malformed_query("only aggregate expressions use field aliasing")


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
