"""From what a run took in to customers with labels."""

from __future__ import annotations

from pyspark.sql import functions as F

from segmentation.console import LOGGER
from segmentation.core.days import on
from segmentation.core.festive import resolve
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.run.inputs import SecondRows
from segmentation.run.intake import Taken
from segmentation.run.record import RunRecord
from segmentation.run.segments import Segments, counted
from segmentation.run.settling import fixed_as_of


def segmented(
    engine: Engine, segmentation: Segmentation, taken: Taken, inputs: SecondRows, record: RunRecord, folder: str
) -> Segments:
    """The customers, labelled as of the day that the configuration says, kept and counted.

    Args:
        engine: computes.
        segmentation: the rules.
        taken: what to compute from.
        inputs: what second inputs hold.
        record: of the run: whose id and time the customers carry.
        folder: for what is kept until the run ends.

    Raises:
        NoDataError: there is no purchase to use.
    """
    config = segmentation.config
    first_day, last_day = taken.days(config.as_of)
    as_of = fixed_as_of(config, config.day_of(record.started_at)) or last_day
    festive = resolve(config.festive_periods, first_day, last_day)
    for gap in festive.gaps():
        LOGGER.warning("%s", gap)
    facts = {"as_of": on(as_of), "run_id": F.lit(record.run_id), "updated_at": F.lit(record.started_at)}
    current, others, cuts = taken.customers(segmentation, as_of, festive, facts, inputs.beside(segmentation, as_of))
    customers = engine.keep(current, join(folder, "customers"))
    for remark in inputs.count(config, customers, as_of):
        LOGGER.warning("%s", remark)
    record.inputs = inputs.told
    of = counted(customers, segmentation, taken.found, taken.expected, others)
    alone = others.customers
    return Segments(
        record.run_id,
        customers,
        as_of,
        festive,
        of.total,
        of.labels,
        alone,
        of.purchases,
        of.spend,
        cuts,
        segmentation.columns,
    )
