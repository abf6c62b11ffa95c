"""Make believable purchases of any size, the same ones for the same seed.

``python jobs/generate_purchases.py --rows 5000 --output data/purchase_records.csv`` made the bundled sample; millions
of rows go to a directory of CSV files. Every value is a hash of the seed and the row or customer number, so the
outcome depends neither on the number of partitions nor on the machine.

What is believable about it: a few customers buy often and most buy seldom, some come only around the festive days,
some stopped coming, spending differs from customer to customer, and most keep to the categories of their household.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import date
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.engines.spark.java import ensure_java

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category"
# Month and day of the festive peaks: New Year in April, Vesak in May, December.
FESTIVE_PEAKS = ("-04-10", "-05-08", "-12-15")


def uniform(seed: int, name: str, *keys: str) -> Column:
    """A number in [0, 1) that depends on nothing but the seed, the name and the key columns."""
    hashed = F.xxhash64(F.lit(seed), F.lit(name), *[F.col(key) for key in keys])
    return F.pmod(hashed, F.lit(1_000_000_007)) / F.lit(1_000_000_007)


def pick(chance: Column, *weighted: tuple[float, Column]) -> Column:
    """The value in whose share of [0, 1) the chance falls; the last one takes what is left."""
    *first, (_, last) = weighted
    chosen, upper = None, 0.0
    for weight, value in first:
        upper += weight
        chosen = (F if chosen is None else chosen).when(chance < upper, value)
    return last if chosen is None else chosen.otherwise(last)


def buyer(customers: int, seed: int, skew: float, whale: float, single: bool) -> Column:
    """The number of the customer of each order."""
    if single:
        return F.col("order")
    usual = (F.pow(uniform(seed, "customer", "order"), F.lit(skew)) * customers).cast("long")
    return F.when(uniform(seed, "whale", "order") < whale, F.lit(0).cast("long")).otherwise(usual)


def purchases(spark: SparkSession, rows: int, customer: Column, seed: int, until: date) -> DataFrame:
    """Good purchases: ``customer, order, day, rupees, category``, one row per purchase.

    Args:
        spark: the session.
        rows: how many purchases.
        customer: the number of the customer, from the column ``order``.
        seed: another seed gives other purchases.
        until: the last possible day; history goes back 900 days.
    """
    year = F.lit(until.year) - (uniform(seed, "year", "order") * 2).cast("int")
    peak = F.to_date(
        F.concat(year.cast("string"), pick(uniform(seed, "peak", "order"), *[(1 / 3, F.lit(p)) for p in FESTIVE_PEAKS]))
    )
    anywhere = (uniform(seed, "day", "order") * 900).cast("int")
    return (
        spark.range(rows)
        .withColumnRenamed("id", "order")
        .withColumn("customer", customer)
        .withColumn("habit", uniform(seed, "habit", "customer"))
        .withColumn("purse", uniform(seed, "purse", "customer"))
        .withColumn("household", uniform(seed, "household", "customer"))
        .withColumn(
            "day",
            pick(
                F.col("habit"),
                (0.25, F.date_sub(F.least(peak, F.lit(until)), (uniform(seed, "near", "order") * 6).cast("int"))),
                (0.20, F.date_sub(F.lit(until), F.lit(120) + anywhere)),
                (0.55, F.date_sub(F.lit(until), anywhere)),
            ),
        )
        .withColumn(
            "rupees",
            F.round(
                F.lit(600.0) + F.pow(F.col("purse"), F.lit(4.0)) * 21_000 * (uniform(seed, "amount", "order") + 0.5), 2
            ).cast("decimal(18,2)"),
        )
        .withColumn("own", pick(F.col("household"), (0.4, F.lit("Womens")), (0.25, F.lit("Mens")), (1, F.lit("Kids"))))
        .withColumn(
            "category",
            F.when(
                (F.col("household") * 10 % 1 < 0.7) & (uniform(seed, "loyal", "order") < 0.9), F.col("own")
            ).otherwise(
                pick(
                    uniform(seed, "category", "order"),
                    (0.36, F.lit("Womens")),
                    (0.3, F.lit("Mens")),
                    (0.28, F.lit("Kids")),
                    (1, F.lit("Homeware")),
                )
            ),
        )
        .select("customer", "order", "day", "rupees", "category")
    )


def as_lines(good: DataFrame, seed: int, bad_share: float) -> DataFrame:
    """``good`` as CSV text, one column ``line``, one row per record, with ``bad_share`` of them broken in some way."""
    customer = F.format_string("CUST%07d", "customer")
    order = F.format_string("ORD%09d", "order")
    day = F.col("day").cast("string")
    rupees = F.col("rupees").cast("string")
    category = F.col("category")

    def line(*fields: Column) -> Column:
        return F.concat_ws(",", *fields)

    broken = pick(
        uniform(seed, "how", "order"),
        (0.15, line(F.lit(""), order, day, rupees, category)),
        (0.10, line(customer, F.lit(""), day, rupees, category)),
        (0.15, line(customer, order, F.lit("2024-02-30"), rupees, category)),
        (0.10, line(customer, order, F.lit(""), rupees, category)),
        (0.15, line(customer, order, day, F.concat(F.lit("-"), rupees), category)),
        (0.10, line(customer, order, day, F.lit('"12,000"'), category)),
        (0.10, line(customer, order, day, rupees)),
        (1, line(customer, F.format_string("ORD%09d", F.col("order") - 1), day, rupees, category)),
    )
    good_line = line(customer, order, day, rupees, category)
    is_bad = uniform(seed, "bad", "order") < bad_share
    return good.select(F.when(is_bad, broken).otherwise(good_line).alias(HEADER))


def write(lines: DataFrame, output: Path) -> None:
    """``lines`` to a file if ``output`` ends in ``.csv``, else to a directory of files, each with the header."""
    one_file = output.suffix == ".csv"
    folder = output.with_name(f".{output.name}.parts") if one_file else output
    # The lines are CSV already: a separator and a quote that never occur keep the writer from quoting them again.
    writer = (lines.coalesce(1) if one_file else lines).write.mode("overwrite")
    writer.option("sep", "\u0001").option("quote", "\u0000").option("header", True).csv(folder.as_posix())
    if one_file:
        next(folder.glob("part-*.csv")).replace(output)
        shutil.rmtree(folder)


def main(arguments: list[str] | None = None) -> int:
    """Parse, generate, write."""
    parser = argparse.ArgumentParser(description="Make believable purchases as CSV.")
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--customers", type=int, help="at most so many (default: a twelfth of the rows)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2025, 12, 31), help="last possible day")
    parser.add_argument("--skew", type=float, default=2.5, help="1: customers alike; more: a longer tail")
    parser.add_argument("--whale", type=float, default=0, help="share of the rows that belong to one customer")
    parser.add_argument("--single", action="store_true", help="one purchase a customer")
    parser.add_argument("--bad-share", type=float, default=0.006, help="share of broken rows")
    parser.add_argument("--output", type=Path, default=Path("data/purchase_records.csv"))
    options = parser.parse_args(arguments)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    ensure_java()
    spark = (
        SparkSession.builder.config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    customers = options.customers or max(1, options.rows // 12)
    customer = buyer(customers, options.seed, options.skew, options.whale, options.single)
    good = purchases(spark, options.rows, customer, options.seed, options.until)
    write(as_lines(good, options.seed, options.bad_share), options.output)
    spark.stop()
    print(f"{options.rows} purchases in {options.output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
