"""What is joined with purchases by customer: events, accounts, subscriptions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from segmentation.config.own import ExtraColumn, OwnName
from segmentation.config.values import Delimiter, Encoding, Model, Name


class SecondInput(Model):
    """One more input, whose rows belong to customers.

    Attributes:
        path: a file, a folder or a glob; of a table, its folder.
        format: what it is.
        customer_id: what it calls the customer, or the number of that column; None for the usual names.
        columns: what is read of it besides.
        grain: ``many`` rows a customer, or ``one``.
        date: the column that says when; rows after the as-of day do not count.
        key: the column that tells a row from all others; without it, equal rows all count.
        encoding: of text, None for that of purchases.
        delimiter: between fields, None for that of purchases.
    """

    path: Name
    format: Literal["csv", "delta", "parquet"] = "csv"
    customer_id: Name | Annotated[int, Field(ge=1, strict=True)] | None = None
    columns: Annotated[dict[OwnName, ExtraColumn], Field(min_length=1)]
    grain: Literal["many", "one"] = "many"
    date: OwnName | None = None
    key: OwnName | None = None
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None

    @model_validator(mode="after")
    def _consistent(self) -> SecondInput:
        for name in ("date", "key"):
            column = getattr(self, name)
            if column is not None and column not in self.columns:
                raise ValueError(f"{name}: expected one of {', '.join(self.columns)}, found {column!r}")
            if column is not None and self.grain == "one":
                raise ValueError(f"{name}: only for grain: many; with grain: one, a customer has one row, whatever day")
        if self.date is not None and self.columns[self.date].type != "date":
            raise ValueError(f"date: {self.date} is {self.columns[self.date].type}, expected a column of type: date")
        return self

    @property
    def names(self) -> dict[str, str | int]:
        """What the input calls its columns."""
        customer = {} if self.customer_id is None else {"customer_id": self.customer_id}
        return {**customer, **{name: column.from_ or name for name, column in self.columns.items()}}

    def marks(self, decimal_separator: str) -> dict[str, str]:
        """How the point of a number is written, by column that is read as one."""
        return dict.fromkeys([name for name, one in self.columns.items() if one.is_number], decimal_separator)

    @property
    def identity(self) -> str | None:
        """The column by which two rows are one, None where all count."""
        return "customer_id" if self.grain == "one" else self.key


Inputs = dict[OwnName, SecondInput]
