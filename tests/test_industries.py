"""The industries: from generated files through the whole job, compared with plain Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from segmentation.config import load_config, override
from segmentation.config.loading import with_inputs_at
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import table
from .industries import ORACLES, generate
from .processes import ROOT


def config_of(industry: str, folder: Path, **more: Any) -> Any:
    """The configuration of an industry, which reads and publishes in a folder."""
    config = load_config(ROOT / "conf" / "industries" / f"{industry}.yaml")
    config = with_inputs_at(config, [f"{name}={folder / f'{name}.csv'}" for name in config.inputs])
    return override(config, {"output_dir": str(folder / "out"), **more})


@pytest.mark.parametrize("industry", ORACLES)
def test_an_industry_is_labelled_as_its_page_says(
    industry: str, engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path
) -> None:
    generate(industry, tmp_path, 1_500)
    config = config_of(industry, tmp_path, engine=engine_name)
    CustomerSegmentationPipeline(config).run("csv", tmp_path / "purchases.csv", spark=spark_or_none)
    expected = ORACLES[industry](tmp_path)
    rows = {row.customer_id: vars(row) for row in table(tmp_path, "customer_segments")}
    found = {who: {name: row[name] for name in expected[who]} for who, row in rows.items() if who in expected}
    assert found == expected
    # A test in which everybody is alike shows nothing.
    for name in next(iter(expected.values())):
        assert len({labels[name] for labels in expected.values()}) >= 3
