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


@pytest.mark.embedded_only(reason="it is about a configuration")
def test_orders_of_other_visits_leave_no_basket_less(tmp_path: Path) -> None:
    """A visit may order at once, and without having filled a basket on that day."""
    header = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Channel\n"
    (tmp_path / "purchases.csv").write_text(header + "A,P1,2024-06-01,100,Womens,web\nB,P2,2024-06-01,100,Mens,app\n")
    visits = [("A", "a1", "basket"), ("A", "a2", "order"), ("A", "a3", "order")]
    visits += [("B", f"b{number}", "basket") for number in (1, 2, 3)] + [
        ("B", f"b{number}", "order") for number in (3, 4)
    ]
    lines = [f"{who},{session},{event},2024-05-20\n" for who, session, event in visits]
    (tmp_path / "events.csv").write_text("Visitor,Session,Event,Day\n" + "".join(lines))
    CustomerSegmentationPipeline(config_of("ecommerce", tmp_path, engine="embedded")).run(
        "csv", tmp_path / "purchases.csv"
    )
    found = {row.customer_id: row for row in table(tmp_path, "customer_segments")}
    assert {who: (row.baskets, row.baskets_left, row.basket_abandonment) for who, row in found.items()} == {
        "A": (1, 1, 1.0),
        "B": (3, 2, 2 / 3),
    }
    assert (found["A"].digital_behaviour, found["B"].digital_behaviour) == ("Active", "Basket Abandoner")
