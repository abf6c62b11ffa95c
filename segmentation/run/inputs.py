"""Second inputs in a run: read, checked, counted, told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.second_rows import Found, counted, labelled, refuse_broken, remarks, settled, told_by_day
from segmentation.core.segmentation import Beside, Segmentation
from segmentation.engines.base import Engine
from segmentation.locations import join
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

    def refuse_broken(self, config: SegmentationConfig) -> None:
        """See that enough can be used.

        Raises:
            QualityGateError: too much of one is rejected.
        """
        for name, found in self.found.items():
            refuse_broken(name, found, config.max_rejected_ratio)

    def count(self, config: SegmentationConfig, customers: DataFrame, as_of: date) -> list[str]:
        """Count whose rows they are, and say what is worth a warning."""
        known = customers.select(CUSTOMER_ID)
        for name, rows in self.rows.items():
            self.found[name] = told_by_day(self.found[name], rows, known, config.inputs[name], as_of)
        return [remark for name, found in self.found.items() for remark in remarks(name, found)]

    @property
    def told(self) -> dict[str, dict[str, int]]:
        """The counts of each, for the record."""
        return {name: found.told() for name, found in self.found.items()}


def read_inputs(engine: Engine, config: SegmentationConfig, folder: str) -> SecondRows:
    """Read all second inputs; whether their files and columns are there is seen of all before any row is read.

    Args:
        engine: what reads, and keeps what is needed more than once.
        config: which there are.
        folder: for what is kept until the run ends.

    Raises:
        SourceError: a file or a column is not there.
    """
    folders = {name: join(join(folder, "inputs"), name) for name in config.inputs}
    raw = {name: read_second(engine, name, one, config, folders[name]) for name, one in config.inputs.items()}
    rows: dict[str, DataFrame] = {}
    found: dict[str, Found] = {}
    for name, one in config.inputs.items():
        kept = engine.stage(labelled(raw[name].frame, one, config), join(folders[name], "rows"))
        if one.identity:
            kept = engine.stage(settled(kept, one), join(folders[name], "settled"))
        found[name] = counted(kept)
        rows[name] = kept.where(F.col(REASON).isNull()).select(CUSTOMER_ID, *one.columns)
    return SecondRows(rows, found)
