"""Kinds of values that settings have, each with what is wrong said in words."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from segmentation.config.date_patterns import date_pattern
from segmentation.schemas import CURRENCY, EDGES, LINE_ID, PURCHASE_COLUMNS

# How what decides between forms of a setting is called, in places that are told.
BY_FORM = "by-"
MAPPABLE = (*PURCHASE_COLUMNS, LINE_ID, CURRENCY)


class Model(BaseModel):
    """Frozen; unknown keys are refused; what was found is not repeated in errors, for it may be a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


def exact(value: object) -> object:
    """YAML reads 0.7 as a float; its shortest text is the number that was written."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _shortest(value: Decimal) -> Decimal:
    """One form for one number, also in the text of a rule: 0.7 is 0.70, and 15000 is not 1.5E+4."""
    return Decimal(f"{value.normalize():f}")


def _timezone(value: str) -> str:
    if value not in available_timezones():
        close = difflib.get_close_matches(value, available_timezones(), 1)
        raise ValueError(f"unknown time zone {value!r}" + (f", did you mean {close[0]!r}?" if close else ""))
    return value


def _as_of(value: object) -> object:
    if isinstance(value, str) and value not in ("latest", "today"):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected 'latest', 'today' or a day as YYYY-MM-DD, found {value!r}") from None
    return value


def _columns(value: object) -> object:
    """Accept ``customer_id: theirs`` and, as a renaming is often written, ``theirs: customer_id``."""
    if not isinstance(value, Mapping):
        return value
    mapped = {}
    for one, other in value.items():
        canonical, theirs = (one, other) if one in MAPPABLE else (str(other), one)
        if canonical not in MAPPABLE:
            raise ValueError(f"unknown purchase column {one!r}, expected one of {', '.join(MAPPABLE)}")
        if canonical in mapped:
            raise ValueError(f"{canonical!r} is mapped twice")
        mapped[canonical] = theirs
    return mapped


def by_name(columns: Mapping[str, str | int]) -> dict[str, str]:
    """`Columns` for what has no order: a number is a name there."""
    return {column: str(theirs) for column, theirs in columns.items()}


def _encoding(value: str) -> str:
    """Python's name for it; what turns text into text, as rot13 does, is none."""
    try:
        # Nothing at all would not be looked at.
        b"a".decode(value, "ignore")
    except (LookupError, UnicodeError):
        raise ValueError(
            f"unknown encoding {value!r}, expected a name that Python knows, such as utf-8, windows-1252 or utf-16"
        ) from None
    name = codecs.lookup(value).name
    # Its mark is recognised anyway.
    return "utf-8" if name == "utf-8-sig" else name


def _delimiter(value: str) -> str:
    mark = value.replace("\\t", "\t")
    if len(mark) != 1 or mark.isalnum() or mark in '"\r\n\\. -+':
        raise ValueError(
            f"expected one mark such as ; or \\t, no letter, digit, quote, blank or point, found {value!r}"
        )
    return mark


def _null_word(value: object) -> object:
    # YAML reads NULL as nothing, 0 as a number, and what follows a # not at all.
    if not isinstance(value, str) or value != value.strip(EDGES) or not value:
        raise ValueError(
            f"expected a word, in quotes and with nothing around it, such as 'NULL' or '#N/A', found {value!r}"
        )
    return value


def _class_name(value: str) -> str:
    module, mark, name = value.partition(":")
    if not mark and all(part.isidentifier() for part in value.replace("-", "_").split(".")):
        return value
    if not all(part.isidentifier() for part in module.split(".")) or not name.isidentifier():
        raise ValueError(f"expected module:Class, as in my_rules:Vip, or the name of an installed one, found {value!r}")
    return value


def _own_sources(value: dict[str, str]) -> dict[str, str]:
    usual = sorted({*value} & {"csv", "mongodb", "table"})
    if usual:
        raise ValueError(f"{usual[0]!r} is a source of the job's own, choose another name")
    return value


Amount = Annotated[
    Decimal, BeforeValidator(exact), Field(ge=0, max_digits=18, decimal_places=2), AfterValidator(_shortest)
]
Share = Annotated[
    Decimal, BeforeValidator(exact), Field(ge=0, le=1, max_digits=7, decimal_places=6), AfterValidator(_shortest)
]
AsOf = Annotated[Literal["latest", "today"] | date, BeforeValidator(_as_of)]
Name = Annotated[str, Field(min_length=1)]
NullWord = Annotated[str, BeforeValidator(_null_word)]
# One character of an amount, neither letter, digit nor sign.
Mark = Annotated[str, Field(pattern=r"^[^0-9+\-A-Za-z]$")]
Timezone = Annotated[str, AfterValidator(_timezone)]
Columns = Annotated[dict[str, Name | Annotated[int, Field(ge=1, strict=True)]], BeforeValidator(_columns)]
Encoding = Annotated[str, AfterValidator(_encoding)]
Delimiter = Annotated[str, AfterValidator(_delimiter)]
# A class of a module, ``module:Class``, or what an installed package calls it.
ClassName = Annotated[str, AfterValidator(_class_name)]
OwnSources = Annotated[dict[Name, ClassName], AfterValidator(_own_sources)]
DateFormat = Annotated[str, AfterValidator(date_pattern)]
