"""Second inputs in a run: read, checked, counted, told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.console import LOGGER
from segmentation.core.second_rows import Found, counted, labelled, refuse_broken, remarks, settled, told_by_day
from segmentation.core.segmentation import Beside, Segmentation
from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.run.record import RunRecord
from segmentation.schemas import CUSTOMER_ID, REASON
from segmentation.sources.second import read_second


@dataclass
class SecondRows:
    """What was read of all second inputs.

    Attributes:
        rows: the valid rows of each, by its name.
        found: what became of the rows of each.
    """

    rows: Mapping[str, DataFrame]
    found: dict[str, Found]

    def beside(self, segmentation: Segmentation, as_of: date) -> Beside:
        """What they say of customers on a day."""
        return segmentation.beside(self.rows, as_of)

    def count(self, config: SegmentationConfig, customers: DataFrame, as_of: date) -> None:
        """Count whose rows they are, and tell what is worth a warning."""
        for name, rows in self.rows.items():
            known = customers.select(CUSTOMER_ID)
            self.found[name] = told_by_day(self.found[name], rows, known, config.inputs[name], as_of)
            for remark in remarks(name, self.found[name]):
                LOGGER.warning("%s", remark)

    @property
    def told(self) -> dict[str, dict[str, int]]:
        """The counts of each, for the record."""
        return {name: found.told() for name, found in self.found.items()}


def read_inputs(
    engine: Engine, config: SegmentationConfig, record: RunRecord, folder: str, counts: dict[str, Any]
) -> SecondRows:
    """Read all second inputs; whether their files and columns are there is seen of all before any row is read.

    Args:
        engine: what reads, and keeps what is needed more than once.
        config: which there are.
        record: of the run, told the counts before too much of one may be refused.
        folder: for what is kept until the run ends.
        counts: takes the rows of each, by name.

    Raises:
        SourceError: a file or a column is not there.
        QualityGateError: too much of one is rejected.
    """
    folders = {name: join(join(folder, "inputs"), name) for name in config.inputs}
    raw = {name: read_second(engine, name, one, config, folders[name]) for name, one in config.inputs.items()}
    read = SecondRows({}, {})
    frames = {}
    for name, one in config.inputs.items():
        kept = engine.stage(labelled(raw[name].frame, one, config), join(folders[name], "rows"))
        if one.identity:
            kept = engine.stage(settled(kept, one), join(folders[name], "settled"))
        read.found[name] = found = counted(kept)
        counts[name] = found.rows_read
        frames[name] = kept.where(F.col(REASON).isNull()).select(CUSTOMER_ID, *one.columns)
    read.rows, record.inputs = frames, read.told
    for name, found in read.found.items():
        refuse_broken(name, found, config.max_rejected_ratio)
    return read
