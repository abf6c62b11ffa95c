"""Polars, the rules only: clean input is taken for granted, nothing is validated. FILE FESTIVE_DAYS OUTPUT."""

import json
import sys
from datetime import date

import polars as pl

path, festive_days, output = sys.argv[1:]
festive = pl.Series([date.fromisoformat(day) for day in json.load(open(festive_days))])
rows = pl.scan_csv(path, schema_overrides={"Customer_ID": pl.String, "Date": pl.Date})
as_of = rows.select(pl.col("Date").max()).collect().item()
day, category = pl.col("Date"), pl.col("Product_Category")
names = ("Womens", "Mens", "Kids")
total, cents = pl.col("total"), pl.col("cents")
one = rows.group_by("Customer_ID").agg(
    pl.len().cast(pl.Int64).alias("total"),
    (pl.col("Total_Amount_LKR") * 100).round().cast(pl.Int64).sum().alias("cents"),
    day.max().alias("last"),
    (day >= pl.lit(as_of).dt.offset_by("-6mo")).sum().cast(pl.Int64).alias("recent"),
    day.is_in(festive.implode()).sum().cast(pl.Int64).alias("festive"),
    *[(category == name).sum().cast(pl.Int64).alias(name) for name in names],
)
shared = sum((pl.col(name) * 10 >= total * 3).cast(pl.Int64) for name in names)
labelled = one.sort("Customer_ID").select(
    pl.format(
        '{"customer_id":"{}","segmentation":{"purchase_frequency":"{}","spending":"{}","category":"{}"}}'.replace(
            '{"', "\x01"
        ).replace("}}", "\x02"),
        "Customer_ID",
        pl.when(total == 1)
        .then(pl.lit("New"))
        .when(pl.col("recent") >= 5)
        .then(pl.lit("Loyal"))
        .when(pl.col("last") < pl.lit(as_of).dt.offset_by("-90d"))
        .then(pl.lit("Lapsed"))
        .when(pl.col("festive") * 10 >= total * 8)
        .then(pl.lit("Seasonal"))
        .otherwise(pl.lit("Regular")),
        pl.when((cents >= total * 1_500_000) | (cents >= 15_000_000))
        .then(pl.lit("High Value"))
        .when(cents <= 1_000_000)
        .then(pl.lit("Low Value"))
        .otherwise(pl.lit("Medium Value")),
        pl.when(pl.col("Womens") * 10 >= total * 7)
        .then(pl.lit("Womens"))
        .when(pl.col("Mens") * 10 >= total * 7)
        .then(pl.lit("Mens"))
        .when(pl.col("Kids") * 10 >= total * 7)
        .then(pl.lit("Kids"))
        .when(shared >= 2)
        .then(pl.lit("Family"))
        .otherwise(pl.lit("Mixed")),
    )
    .str.replace_all("\x01", '{"', literal=True)
    .str.replace_all("\x02", "}}", literal=True)
    .alias("line")
)
with open(output, "w") as file:
    file.write("[\n" + ",\n".join(labelled.collect(engine="streaming")["line"]) + "\n]\n")
