"""The forms of SQL that an expression may have, and by which part of `calling.OverRows` each is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from sqlglot import exp

COMPARED: Mapping[type[exp.Expr], Callable[[Column, Column], Column]] = {
    exp.EQ: lambda one, other: one == other,
    exp.NEQ: lambda one, other: one != other,
    exp.GT: lambda one, other: one > other,
    exp.GTE: lambda one, other: one >= other,
    exp.LT: lambda one, other: one < other,
    exp.LTE: lambda one, other: one <= other,
    exp.NullSafeEQ: lambda one, other: one.eqNullSafe(other),
}
QUERIES = (exp.Query, exp.Subquery, exp.Exists, exp.Table)
FORMS: Mapping[type[exp.Expr], str] = {
    exp.Column: "column",
    exp.Literal: "number",
    exp.Boolean: "true_or_false",
    exp.Null: "nothing",
    exp.Paren: "inner",
    **dict.fromkeys(COMPARED, "compared"),
    exp.Add: "summed",
    exp.Sub: "summed",
    exp.Mul: "multiplied",
    exp.Div: "divided",
    exp.Mod: "remainder",
    exp.Neg: "negative",
    exp.And: "joined",
    exp.Or: "joined",
    exp.Not: "negated",
    exp.Is: "is_nothing",
    exp.In: "is_among",
    exp.Between: "is_between",
    exp.Like: "is_like",
    exp.If: "chosen",
    exp.Case: "cases",
    exp.Cast: "cast",
    exp.TryCast: "cast",
    exp.DPipe: "text",
    exp.Concat: "text",
    exp.Filter: "only_some",
    exp.Any: "any_of",
    exp.Anonymous: "call",
}
