"""The functions that an expression may call: those that give the same on every engine and at every run, to the last
digit. What hangs on the order of rows, on the clock, on chance or on the machine is none of them, nor what reads
anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.core.own.kinds import DAY, RATIO, TEXT, TRUTH, WHOLE, Kind, Sort
from segmentation.errors import ConfigError

ANY = frozenset({Sort.WHOLE, Sort.EXACT, Sort.RATIO, Sort.TEXT, Sort.DAY, Sort.TRUTH})
NUMBER = frozenset({Sort.WHOLE, Sort.EXACT, Sort.RATIO})
# What adds up to the same in whatever order; a ratio does not.
ADDABLE = frozenset({Sort.WHOLE, Sort.EXACT})
INTEGER, TEXTS, DAYS, TRUTHS = (frozenset({sort}) for sort in (Sort.WHOLE, Sort.TEXT, Sort.DAY, Sort.TRUTH))
ONLY_SPARK = "the engines interpolate it differently in the last digit"

Takes = Sequence[frozenset[Sort]]


@dataclass(frozen=True)
class Function:
    """A function of values.

    Attributes:
        takes: what may stand in each place.
        gives: the kind of what it makes, from the kinds of what it takes.
        made: the Column.
        only_spark: why only Spark computes it, None where both engines do.
    """

    takes: Takes
    gives: Callable[[Sequence[Kind]], Kind]
    made: Callable[..., Column]
    only_spark: str | None = None


def _always(kind: Kind) -> Callable[[Sequence[Kind]], Kind]:
    return lambda _: kind


def _first(kinds: Sequence[Kind]) -> Kind:
    return kinds[0]


def _whole_days(later: Column, earlier: Column) -> Column:
    return F.datediff(later, earlier).cast("bigint")


def _of_days(function: Callable[[Column, Column], Column]) -> Callable[[Column, Column], Column]:
    return lambda day, days: function(day, days.cast("int"))


def _part(function: Callable[[Column], Column]) -> Function:
    return Function([DAYS], _always(WHOLE), lambda day: function(day).cast("bigint"))


def _of_text(function: Callable[[Column], Column]) -> Function:
    return Function([TEXTS], _always(TEXT), function)


def _substring(text: Column, start: Column, length: Column) -> Column:
    return text.substr(start.cast("int"), length.cast("int"))


def _whole(function: Callable[[Column], Column]) -> Function:
    return Function([NUMBER], _always(WHOLE), lambda number: function(number).cast("bigint"))


def _root(number: Column) -> Column:
    value = number.cast("double")
    return F.sqrt(F.when(value >= 0, value))


_datediff = Function([DAYS, DAYS], _always(WHOLE), _whole_days)
_substr = Function([TEXTS, INTEGER, INTEGER], _always(TEXT), _substring)
_day = _part(F.dayofmonth)
SCALARS: dict[str, Function] = {
    "abs": Function([NUMBER], _first, F.abs),
    "floor": _whole(F.floor),
    "ceil": _whole(F.ceil),
    "ceiling": _whole(F.ceil),
    "sqrt": Function([NUMBER], _always(RATIO), _root),
    "lower": _of_text(F.lower),
    "upper": _of_text(F.upper),
    "trim": _of_text(F.trim),
    "length": Function([TEXTS], _always(WHOLE), lambda text: F.length(text).cast("bigint")),
    "substring": _substr,
    "substr": _substr,
    "replace": Function([TEXTS, TEXTS, TEXTS], _always(TEXT), F.replace),
    "startswith": Function([TEXTS, TEXTS], _always(TRUTH), lambda text, start: F.startswith(text, start)),
    "endswith": Function([TEXTS, TEXTS], _always(TRUTH), lambda text, end: F.endswith(text, end)),
    "contains": Function([TEXTS, TEXTS], _always(TRUTH), lambda text, part: F.contains(text, part)),
    "year": _part(F.year),
    "quarter": _part(F.quarter),
    "month": _part(F.month),
    "day": _day,
    "dayofmonth": _day,
    "dayofweek": _part(F.dayofweek),
    # Sail's own says -1 for a Sunday.
    "weekday": _part(lambda day: (F.dayofweek(day) + 5) % 7),
    "dayofyear": _part(F.dayofyear),
    "last_day": Function([DAYS], _always(DAY), F.last_day),
    "datediff": _datediff,
    "date_diff": _datediff,
    "date_add": Function([DAYS, INTEGER], _always(DAY), _of_days(F.date_add)),
    "date_sub": Function([DAYS, INTEGER], _always(DAY), _of_days(F.date_sub)),
    "add_months": Function([DAYS, INTEGER], _always(DAY), _of_days(F.add_months)),
}


def _total(_: Column, with_room: Column) -> Column:
    return F.sum(with_room)


def _average(value: Column, with_room: Column) -> Column:
    """Of exact sums, so that it is the same in whatever order they were added."""
    count = F.count(value)
    return F.when(count > 0, F.sum(with_room).cast("double") / count.cast("double"))


def _counted(truth: Column) -> Column:
    return F.count(F.when(truth, F.lit(1)))


def _percentile(value: Column, share: Column) -> Column:
    return F.percentile(value, share).cast("double")


def _best(function: Callable[[Column], Column], *, last: int) -> Callable[[Column, Column, str], Column]:
    """Of several that are best alike, the one that is best itself; nothing, if all of them are.

    Engines do not agree on whether nothing is more or less than something; `last` is what never comes first.
    """

    def made(value: Column, by: Column, key: str) -> Column:
        is_nothing = F.when(value.isNull(), F.lit(last)).otherwise(F.lit(1 - last))
        pair = F.struct(by.alias("by"), is_nothing.alias("is_nothing"), value.alias(key))
        return function(F.when(by.isNotNull(), pair))[key]

    return made


_any = Function([TRUTHS], _always(TRUTH), F.bool_or)
_every = Function([TRUTHS], _always(TRUTH), F.bool_and)
_mean = Function([ADDABLE], _always(RATIO), _average)
# Each over the rows of one customer; `mode` is made in two steps, see `calling`.
AGGREGATES: dict[str, Function] = {
    "count": Function([ANY], _always(WHOLE), F.count),
    "count_if": Function([TRUTHS], _always(WHOLE), _counted),
    "sum": Function([ADDABLE], _first, _total),
    "avg": _mean,
    "mean": _mean,
    "min": Function([ANY], _first, F.min),
    "max": Function([ANY], _first, F.max),
    "any": _any,
    "bool_or": _any,
    "every": _every,
    "bool_and": _every,
    "max_by": Function([ANY, ANY], _first, _best(F.max, last=0)),
    "min_by": Function([ANY, ANY], _first, _best(F.min, last=1)),
    "mode": Function([ANY], _first, F.mode),
    "median": Function([ADDABLE], _always(RATIO), lambda value: _percentile(value, F.lit(0.5)), ONLY_SPARK),
    "percentile": Function([ADDABLE, NUMBER], _always(RATIO), _percentile, ONLY_SPARK),
}
# What stands as a word of the language.
WORDS = ("if", "case", "coalesce", "ifnull", "nvl", "nullif", "least", "greatest", "concat", "cast", "round")
REFUSED = {
    "it hangs on chance": ("rand", "randn", "random", "uuid", "shuffle", "monotonically_increasing_id"),
    "it hangs on the clock; the day that everything is seen from is as_of": (
        *("current_date", "current_timestamp", "now", "curdate", "unix_timestamp", "localtimestamp"),
        "current_timezone",
    ),
    "it hangs on the order of rows, which has none": (
        *("first", "last", "first_value", "last_value", "any_value", "collect_list", "collect_set", "array_agg"),
        *("listagg", "string_agg", "row_number", "lag", "lead"),
    ),
    "engines count it differently": ("approx_count_distinct", "approx_percentile", "percentile_approx"),
    "its last digits hang on the order of rows; sums of whole and decimal numbers do not": (
        *("stddev", "stddev_pop", "stddev_samp", "std", "variance", "var_pop", "var_samp", "corr", "covar_pop"),
        *("covar_samp", "skewness", "kurtosis"),
    ),
    "its last digits are others on other engines": ("ln", "log", "log10", "log2", "exp", "pow", "power"),
    "it calls Java": ("reflect", "java_method", "try_reflect"),
    "it reads files, or where things are": (
        *("input_file_name", "input_file_block_start", "read_files", "current_database", "current_user", "user"),
        *("session_user", "current_catalog", "version", "spark_partition_id"),
    ),
}


def why_refused(name: str) -> str | None:
    """Why a function of Spark's is none of these, None where nothing is to be said."""
    return next((why for why, names in REFUSED.items() if name in names), None)


def see_number(name: str, found: int) -> None:
    """See that a word of the language stands before as many values as it takes.

    Raises:
        ConfigError: it does not.
    """
    least, most = {"nullif": (2, 2), "concat": (1, None), "round": (1, 2)}.get(name, (2, None))
    if found < least or (most and found > most):
        many = f"{least}" if most == least else f"{least} to {most}" if most else f"at least {least}"
        raise ConfigError(f"{name} takes {many} values, found {found}")


def known() -> list[str]:
    """The names of all functions."""
    return sorted({*SCALARS, *AGGREGATES, *WORDS})
