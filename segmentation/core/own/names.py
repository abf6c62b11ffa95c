"""Names that a configuration gives: which are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from segmentation.config import SegmentationConfig
from segmentation.core.currencies import OF_ROWS
from segmentation.core.metrics import METRICS_SCHEMA
from segmentation.errors import ConfigError
from segmentation.schemas import (
    CUSTOMER_ID,
    IS_ODD,
    KEPT,
    LINE_ID,
    LINES,
    PLACE,
    PURCHASE_COLUMNS,
    RAW,
    RAW_RECORD,
    REASON,
    REASONS,
    SOURCE,
    SOURCE_ID,
    WARNING,
    WHOSE,
)

# Of a customer, besides metrics and labels.
FACTS = ("as_of", "run_id", "updated_at")
# What the job calls columns of its own while it works.
OF_CUSTOMERS = ("was_there", "is_there", "touched", "cause", "whose", "spend_before", "dimension")
BEFORE_CUSTOMERS = ("from_", "to_", "added_", "left_")
BEFORE_PURCHASES = ("known_", "old_", "key_", "count_of_")
OF_PURCHASES = (
    *(*PURCHASE_COLUMNS, LINE_ID, LINES, RAW, RAW_RECORD, REASONS, SOURCE, SOURCE_ID, WARNING),
    *("clean", "plain_day", "plain_amount", "same_amount", "point_amount", "day_text", "amount_text", "local_day"),
    *("with_offset", "any_day", "day", "exact_amount", "known_category", "kept", "place", "purchase_id_hash"),
    *("like_a_line", "is_new", "waited", "run_id", "rejected_at", "last_customer", "valid_id", "first_customer"),
    *("text", "record", "line", "fields", "quoted", "number", "alone"),
)

OF_INPUTS = (
    *(CUSTOMER_ID, LINE_ID, RAW_RECORD, SOURCE_ID, REASON, IS_ODD, WHOSE, PLACE),
    *("as_of", "in_last_6_months", "in_last_90_days"),
)
BEFORE_INPUTS = ("count_of_", "is_there_", KEPT)


@contextmanager
def at(place: str, name: str = "") -> Iterator[None]:
    """Say where it was that something was refused."""
    try:
        yield
    except ConfigError as error:
        raise type(error)(f"{place}{f' ({name})' if name else ''}: {error}.") from None


def see_extra_columns(config: SegmentationConfig, taken: Sequence[str]) -> None:
    """See that extra columns have names of their own.

    Args:
        config: their names.
        taken: what metrics are told of a purchase besides.

    Raises:
        ConfigError: one has the name of something else.
    """
    given = [(("input", "extra_columns", name), name) for name in config.extra_columns]
    currencies = OF_ROWS if config.currencies else ()
    _see(config, given, [*OF_PURCHASES, *currencies, *taken], BEFORE_PURCHASES)


def see_inputs(config: SegmentationConfig) -> None:
    """See that the columns of each second input have names of their own.

    Raises:
        ConfigError: one has the name of something else.
    """
    for one, setting in config.inputs.items():
        _see(config, [(("inputs", one, "columns", name), name) for name in setting.columns], OF_INPUTS, BEFORE_INPUTS)


def see_names(config: SegmentationConfig, dimensions: Sequence[str], in_python: Mapping[str, str]) -> None:
    """See that metrics, scores and dimensions have names of their own.

    Args:
        config: their names.
        dimensions: those that are there already, which an entry may change.
        in_python: names of metrics by what the configuration calls their classes.

    Raises:
        ConfigError: one has the name of something else.
    """
    given: list[tuple[tuple[str | int, ...], str]] = [
        (("inputs", one, "columns", name), name)
        for one, setting in config.inputs.items()
        if setting.grain == "one"
        for name in setting.columns
    ]
    given += [
        ((key, number), in_python[one]) if isinstance(one, str) else ((key, number, "name"), one.name)
        for key in ("metrics", "scores", "dimensions")
        for number, one in enumerate(getattr(config, key))
    ]
    own = [(path, name) for path, name in given if path[0] != "dimensions" or name not in dimensions]
    _see(config, own, [*METRICS_SCHEMA.names, *FACTS, *OF_CUSTOMERS, *dimensions], BEFORE_CUSTOMERS)
    _see(config, [(path, name) for path, name in given if (path, name) not in own], [])


def _see(
    config: SegmentationConfig,
    given: Sequence[tuple[tuple[str | int, ...], str]],
    taken: Sequence[str],
    prefixes: tuple[str, ...] = (),
) -> None:
    known = {name.lower() for name in taken}
    for path, name in given:
        if name.endswith("_"):
            raise ConfigError(
                f"{config.place(*path)}: {name!r} ends in _, as what the job computes on the way does: leave that out."
            )
        if name.lower() in known or name.lower().startswith(prefixes):
            raise ConfigError(f"{config.place(*path)}: {name!r} is the name of something else already, choose another.")
        known.add(name.lower())
