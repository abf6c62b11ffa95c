"""The Delta tables of an output: what each promises, and the rows that go into it."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.core.source_ids import source_id_of
from segmentation.core.types import TEXTS, map_to, struct
from segmentation.engines.base import Engine
from segmentation.engines.stores import TableSpec
from segmentation.locations import readable
from segmentation.schemas import (
    CUSTOMER_ID,
    LINE_ID,
    PURCHASE_COLUMNS,
    PURCHASE_DATE,
    RAW,
    RAW_RECORD,
    RAW_TEXTS,
    REASONS,
    SOURCE,
    SOURCE_ID,
)

SEGMENT_CHECKS = {
    "has_purchases": "total_purchases >= 1",
    "first_before_last": "first_purchase <= last_purchase AND last_purchase <= as_of",
}
# Whoever has brought back more than they bought in the time that is known has spent less than nothing.
RETIRED = frozenset({"spend_not_negative"})
COUNTS_ADD_UP = "rows_read = purchases_used + rows_rejected + purchases_after_as_of"
REJECTED_SCHEMA = struct(
    source="string",
    raw_record="string",
    **dict.fromkeys(PURCHASE_COLUMNS, "string"),
    reasons=TEXTS,
    run_id="string",
    rejected_at="timestamp",
    line_id="string",
)
REJECTED = TableSpec(
    frozenset({REASONS, "run_id", "rejected_at"}), {"has_reason": "cardinality(reasons) >= 1"}, "run_id"
)
RUN_SCHEMA = struct(
    run_id="string",
    outcome="string",
    message="string",
    started_at="timestamp",
    finished_at="timestamp",
    mode="string",
    source="string",
    source_paths=TEXTS,
    as_of="date",
    rows_read="long",
    purchases_used="long",
    rows_rejected="long",
    purchases_after_as_of="long",
    total_customers="long",
    rejected_by_reason=map_to("long"),
    warnings_by_reason=map_to("long"),
    segments=map_to(map_to("long")),
    festive_days=TEXTS,
    config_fingerprint="string",
    versions=map_to("string"),
    durations=map_to("double"),
    engine="string",
    engine_reason="string",
    purchases="long",
    returns_used="long",
    customers_without_purchases="long",
    cut_points="string",
    inputs=map_to(map_to("long")),
)
RUNS = TableSpec(
    frozenset({"run_id", "outcome", "started_at"}),
    {"nothing_is_lost": f"outcome != 'succeeded' OR {COUNTS_ADD_UP}"},
    "run_id",
)
CHANGES_SCHEMA = struct(
    customer_id="string",
    dimension="string",
    from_label="string",
    to_label="string",
    as_of="date",
    run_id="string",
    changed_at="timestamp",
    cause="string",
)
CHANGES = TableSpec(
    frozenset({CUSTOMER_ID, "dimension", "as_of", "run_id", "changed_at", "cause"}),
    {"label_changed": "from_label IS NOT NULL OR to_label IS NOT NULL"},
    CUSTOMER_ID,
)
# Statistics of the day, by which people look purchases up as well.
PURCHASES = TableSpec(frozenset({*PURCHASE_COLUMNS, "run_id"}), {}, PURCHASE_DATE)
ERASURE_SCHEMA = struct(erased_at="timestamp", customers="long", rows_by_table=map_to("long"), is_done="boolean")
ERASURES = TableSpec(frozenset({"erased_at", "customers"}), {}, "erased_at")


def segments_spec(dimensions: Sequence[str]) -> TableSpec:
    """The table of customers, whose labels are never null."""
    never_null = {CUSTOMER_ID, "total_purchases", "lifetime_spend", "as_of", "run_id", "updated_at", *dimensions}
    return TableSpec(frozenset(never_null), SEGMENT_CHECKS, CUSTOMER_ID, RETIRED)


def rejected_rows(
    engine: Engine,
    labelled: DataFrame,
    names: Sequence[str],
    run_id: str,
    rejected_at: Column,
    extra: Sequence[str] = (),
) -> DataFrame:
    """The rejected rows as the table shows them: raw texts under the canonical names, so that they can be corrected
    and read again.

    Args:
        engine: makes the frame of names.
        labelled: the labelled frame.
        names: of the files or the collection that were read, as URIs.
        run_id: the run.
        rejected_at: timestamp of the run.
        extra: columns that only a configuration knows.

    Returns:
        One row per rejected row, `REJECTED_SCHEMA`: ``source``, ``raw_record`` (the whole row if it is malformed), the
        five texts as they were read (null where there was none), ``reasons``, ``run_id``, ``rejected_at``, and
        ``line_id`` as it was read, null where `columns` does not map it; then the texts of the extra columns.
    """
    has_raw = F.col(RAW).isNotNull()
    raw = {name: F.when(has_raw, F.col(RAW)[number]) for number, name in enumerate((*RAW_TEXTS, *extra))}
    texts = {
        name: F.when(has_raw, raw[name]).otherwise(F.col(name).cast("string")) for name in (*PURCHASE_COLUMNS, *extra)
    }
    rejected = labelled.where(F.col(REASONS).isNotNull())
    return with_source(engine, rejected, names).select(
        SOURCE,
        raw[RAW_RECORD].alias(RAW_RECORD),
        *[texts[name].alias(name) for name in PURCHASE_COLUMNS],
        REASONS,
        F.lit(run_id).alias("run_id"),
        rejected_at.alias("rejected_at"),
        F.col(LINE_ID) if LINE_ID in labelled.columns else F.lit(None).cast("string").alias(LINE_ID),
        *[texts[name].alias(name) for name in extra],
    )


def with_source(engine: Engine, labelled: DataFrame, names: Sequence[str]) -> DataFrame:
    """The labelled frame with ``source``, the file or collection that each row comes from, as people know it.

    Args:
        engine: makes the frame of names.
        labelled: the labelled frame; one that has ``source`` stays as it is.
        names: of all that was read, as URIs.
    """
    if SOURCE in labelled.columns:
        return labelled
    sources = [{SOURCE_ID: source_id_of(name), SOURCE: readable(name)} for name in names]
    known = F.broadcast(engine.rows(sources, struct(source_id="long", source="string")))
    return labelled.join(known, on=SOURCE_ID, how="left")
