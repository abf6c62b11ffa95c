"""What a business adds to the job by configuration: columns, metrics, scores, dimensions. What they say is checked in
`core.own`, where it is known what there is to be named.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from segmentation.config.values import BY_FORM, ClassName, Model, Name, Share, exact
from segmentation.schemas import UNPRINTABLE

MOST_GROUPS = 100
DECIMAL = re.compile(r"decimal\(([0-9]{1,2}), ?([0-9]{1,2})\)")
TYPES = ("string", "integer", "date", "boolean")
LARGEST_DECIMAL, LARGEST_SCALE = 28, 6


def own_name(value: str) -> str:
    """What may become a column."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", value):
        raise ValueError(
            f"expected a word of letters, digits and _, which becomes a column, such as online_share, found {value!r}"
        )
    return value


def _type(value: str) -> str:
    found = DECIMAL.fullmatch(value)
    fits = found and 1 <= int(found[1]) <= LARGEST_DECIMAL and int(found[2]) <= min(LARGEST_SCALE, int(found[1]))
    if value not in TYPES and not fits:
        raise ValueError(
            f"expected {', '.join(TYPES)} or decimal(digits,decimals), of up to {LARGEST_DECIMAL} digits with up to "
            f"{LARGEST_SCALE} decimals, found {value!r}"
        )
    return value.replace(" ", "")


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(  # noqa: TRY004 - what a validator raises
            "expected a label, found what YAML takes for true or false, as yes, no, on and off: put it in quotes"
        )
    return value


def _label(value: str) -> str:
    if UNPRINTABLE.search(value):
        raise ValueError(f"expected a label without control characters, found {value!r}")
    return value


def _no_switch(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(  # noqa: TRY004 - what a validator raises
            f"expected a list of metrics, each with name and sql, or module:Class, found {value}; "
            "segmentation_metrics.prom is written or left out with prometheus: true or false"
        )
    return value


def _named(value: Any) -> Any:
    """A dimension by its name alone."""
    return {"name": value} if isinstance(value, str) else value


def _labelled(value: Any) -> Any:
    """A rule that is there already by its label alone."""
    return {"label": value} if isinstance(value, str) else value


Label = Annotated[Name, BeforeValidator(_no_truth), AfterValidator(_label)]
OwnName = Annotated[str, AfterValidator(own_name)]
Value = Annotated[Decimal, BeforeValidator(exact), Field(max_digits=18, decimal_places=6)]


class ExtraColumn(Model):
    """One more column of a purchase."""

    from_: Name | Annotated[int, Field(ge=1, strict=True)] | None = Field(None, alias="from")
    type: Annotated[str, AfterValidator(_type)] = "string"

    @property
    def sql_type(self) -> str:
        """The type, in the words of Spark's SQL."""
        return "bigint" if self.type == "integer" else self.type

    @property
    def json_type(self) -> str:
        """The same, in the words of Spark's schemas."""
        return "long" if self.type == "integer" else self.type

    @property
    def is_number(self) -> bool:
        """Is it read with the marks of amounts?"""
        return self.type.startswith(("integer", "decimal"))


class InputConfig(Model):
    """What is read besides the columns of every purchase."""

    extra_columns: dict[OwnName, ExtraColumn] = {}

    @property
    def names(self) -> dict[str, str | int]:
        """What files and tables call the extra columns."""
        return {name: extra.from_ or name for name, extra in self.extra_columns.items()}


class MetricSetting(Model):
    """A number, a text, a day or a truth of each customer."""

    name: OwnName
    sql: Name
    # The second input whose rows it is over; by default it is over purchases.
    from_: Name | None = Field(None, alias="from")


class CutSetting(Model):
    """Where a score cuts a metric: one of the three."""

    quantiles: Annotated[int, Field(ge=2, le=100)] | None = None
    values: Annotated[tuple[Value, ...], Field(min_length=1, max_length=100)] | None = None
    shares: Annotated[tuple[Share, ...], Field(min_length=2, max_length=100)] | None = None

    @model_validator(mode="after")
    def _one(self) -> CutSetting:
        given = [name for name in ("quantiles", "values", "shares") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of quantiles, values and shares, found {' and '.join(given) or 'none'}")
        for name in ("values", "shares"):
            numbers = getattr(self, name) or ()
            if list(numbers) != sorted(set(numbers)):
                raise ValueError(f"{name}: expected numbers that grow, found {', '.join(map(str, numbers))}")
        if self.shares and (self.shares[0] <= 0 or self.shares[-1] != 1):
            raise ValueError(
                f"shares: expected them to begin above 0 and to end with 1.0, found {self.shares[-1]} last"
            )
        return self

    @property
    def groups(self) -> int:
        """How many groups it makes."""
        return self.quantiles or len(self.shares or ()) or len(self.values or ()) + 1


class ScoreSetting(Model):
    """A metric, cut into groups."""

    name: OwnName
    of: Name
    order: Literal["descending", "ascending"] = "descending"
    cut: CutSetting
    within: Name | None = None
    labels: tuple[Label, ...] | None = None
    zero: Label | Annotated[int, Field(strict=True)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> ScoreSetting:
        if self.within and self.cut.values:
            raise ValueError("within: cuts at given values are the same in every group, expected quantiles or shares")
        if self.labels is not None:
            if len(self.labels) != self.cut.groups:
                raise ValueError(
                    f"labels: the cut makes {self.cut.groups} groups, expected as many labels, found {len(self.labels)}"
                )
            if len({*self.labels, self.zero}) <= len(self.labels):
                raise ValueError(f"labels: expected labels that differ, found {', '.join(self.labels)}")
        if self.zero is not None and isinstance(self.zero, str) != (self.labels is not None):
            wanted = (
                "a label, because the others have labels" if self.labels else "a number, because there are no labels"
            )
            raise ValueError(f"zero: expected {wanted}, found {self.zero!r}")
        return self


class RuleSetting(Model):
    """A condition and its label; without a condition, the rule of that label that the dimension has already."""

    label: Label
    when: Name | None = None


class DimensionSetting(Model):
    """An ordered list of rules; of a dimension that is there already, what is not given stays as it is."""

    name: OwnName
    rules: tuple[Annotated[RuleSetting, BeforeValidator(_labelled)], ...] | None = None
    otherwise: Label | None = None
    enabled: bool = True


Metrics = Annotated[
    tuple[
        Annotated[
            Annotated[MetricSetting, Tag(f"{BY_FORM}sql")] | Annotated[ClassName, Tag(f"{BY_FORM}class")],
            Discriminator(lambda value: f"{BY_FORM}class" if isinstance(value, str) else f"{BY_FORM}sql"),
        ],
        ...,
    ],
    BeforeValidator(_no_switch),
]
Dimensions = tuple[Annotated[DimensionSetting, BeforeValidator(_named)], ...]
