"""How bytes become text, and text becomes fields, where engines differ."""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.encodings import UTF_8


@dataclass(frozen=True)
class Decoding:
    """How the bytes of files become text.

    Attributes:
        encoding: by Python's name.
        marked: must bytes that the encoding does not have become `encodings.UNDECODABLE`? Where it is known that there
            are none, nothing is promised of them, which saves the search.
    """

    encoding: str = UTF_8
    marked: bool = True


@dataclass(frozen=True)
class Dialect:
    """How an engine is best asked to cut records of CSV; all ways have one outcome.

    Attributes:
        field: the pattern of a field between commas: quoted with blanks around, or not starting with a quote.
        at_once: cut a plain line into an array once, instead of each field out of it by itself.
    """

    field: str
    at_once: bool

    def field_between(self, delimiter: str) -> str:
        """The pattern of a field between delimiters; the one blank that is a delimiter is none around quotes."""
        blanks = self.field.replace(r"[ \t]", "[ ]") if delimiter == "\t" else self.field
        return blanks.replace(",", literal(delimiter))


def literal(mark: str) -> str:
    """One character as a regular expression, also inside brackets, as every engine understands it."""
    return f"\\{mark}" if mark in "\\^$.|?*+-()[]{}&~" else mark
