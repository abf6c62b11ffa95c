"""What the condition of a rule says: in words, and taken apart into the comparisons that it is made of.

A condition is a Column, so nothing has to be said twice, and a rule that somebody else wrote explains itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import Column

from segmentation.core.terms import WHEN, Call, Cast, Literal, Name, Term, term_of

SAYS: Mapping[str, str] = {
    "==": "equal to",
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
}
JOINED: Mapping[str, str] = {"and": ", and ", "or": ", or "}
Words = Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """Two values that a condition compares.

    Attributes:
        words: what it asks for; of conditions that it counts, which follow as comparisons of their own, only that.
        metric: the column on its left, None where that is no column.
        operator: a key of `SAYS`.
        left: the value, as a rule the customer's number.
        right: what it is compared with, as a rule the threshold.
        holds: the comparison itself.
    """

    words: str
    metric: str | None
    operator: str
    left: Term
    right: Term
    holds: Term

    @property
    def limit(self) -> Decimal | None:
        """What it is compared with, where that is a number that stands there."""
        value = self.right.value if isinstance(self.right, Literal) else None
        is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return Decimal(str(value)) if is_number else None


def in_words(condition: Column | Term, words: Words) -> str:
    """A condition for people.

    Args:
        condition: a Column of Spark Connect, or a term.
        words: what to call a column; one that is not there goes by its name.
    """
    return _said(term_of(condition), words)


def joined_by(condition: Column | Term) -> str | None:
    """``and`` or ``or``, where a condition is made of several in this way."""
    name = _name(term_of(condition))
    return name if name in JOINED else None


def comparisons(condition: Column | Term, words: Words) -> list[Comparison]:
    """All comparisons in a condition, outer ones first."""
    found = []
    for term in _inner(term_of(condition)):
        operator = _name(term)
        if operator in SAYS:
            left, right = term.parts
            metric = left.name if isinstance(left, Name) else None
            found.append(Comparison(_compared(term, words, in_short=True), metric, operator, left, right, term))
    return found


def _name(term: Term) -> str:
    """Of a function; nothing for what is none."""
    return term.name if isinstance(term, Call) else ""


def _inner(term: Term) -> Iterator[Term]:
    """A term and all that it is made of; the cases of a CASE are not asked for by the condition."""
    yield term
    for part in () if _name(term) == WHEN else term.parts:
        yield from _inner(part)


def _said(term: Term, words: Words) -> str:
    if isinstance(term, Name):
        return words.get(term.name, term.name.replace("_", " "))
    if isinstance(term, Literal):
        return _literal(term)
    if isinstance(term, Cast):
        return _said(term.of, words)
    return _of_function(term, words) if isinstance(term, Call) else term.text


def _of_cases(term: Call, words: Words) -> str:
    """The value of all, and where it is another one."""
    *cases, otherwise = (_said(part, words) for part in term.parts)
    said = [f"{value} where {when}" for when, value in zip(cases[::2], cases[1::2], strict=True)]
    return f"{otherwise} ({', '.join(said)})"


def _literal(term: Literal) -> str:
    value, is_plain = term.value, term.kind not in ("date", "timestamp", "boolean")
    if is_plain and isinstance(value, int | float | Decimal):
        return number(value)
    return repr(value) if isinstance(value, str) else term.text


def _of_function(term: Call, words: Words) -> str:
    name, parts = term.name, term.parts
    if name == WHEN:
        return _of_cases(term, words) if len(parts) % 2 else term.text
    if name in SAYS:
        return _compared(term, words)
    said = [_said(part, words) for part in parts]
    if name in JOINED:
        inner = [f"({text})" if _is_joined(part, name) else text for part, text in zip(parts, said, strict=True)]
        return JOINED[name].join(inner)
    if name == "not":
        return f"not ({said[0]})"
    if name == "greatest":
        return f"the largest of {', '.join(said)}"
    if name == "*":
        return _product(parts, said)
    if name in ("+", "-", "/", "%"):
        return f" {name} ".join(said)
    return f"{name}({', '.join(said)})"


def _compared(term: Term, words: Words, *, in_short: bool = False) -> str:
    left, right = term.parts
    asks = SAYS[_name(term)]
    counted = list(_counted(left))
    if not counted or None in counted:
        return f"{_said(left, words)}: {asks} {_said(right, words)}"
    which = "" if in_short else f" ({'; '.join(_said(one, words) for one in counted if one)})"
    return f"{asks} {_said(right, words)} of these{which}"


def _is_joined(term: Term, by: str) -> bool:
    return _name(term) in JOINED and _name(term) != by


def _product(parts: Sequence[Term], said: Sequence[str]) -> str:
    """A share of something is said in per cent."""
    share = parts[0].value if isinstance(parts[0], Literal) else None
    if isinstance(share, int | float | Decimal) and not isinstance(share, bool) and 0 <= share <= 1:
        return f"{number(Decimal(str(share)) * 100)}% of {said[1]}"
    return " × ".join(said)


def _counted(term: Term) -> Iterator[Term | None]:
    """What a sum of conditions adds up; None for what is no condition."""
    if _name(term) == "+":
        for part in term.parts:
            yield from _counted(part)
    else:
        inner = term.of if isinstance(term, Cast) else None
        yield inner if inner and _name(inner) in (*SAYS, *JOINED, "not") else None


def number(value: float | Decimal) -> str:
    """A number as people write it, without zeros at its end."""
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
