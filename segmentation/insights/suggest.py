"""Settings that fit a shop's own data, each with the reason why."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from segmentation.config import AnnualPeriod, SegmentationConfig, override
from segmentation.core.days import on
from segmentation.core.metrics import count_if
from segmentation.core.quality import only_row
from segmentation.core.sales import month_of
from segmentation.core.segmentation import Segmentation
from segmentation.errors import ConfigError, NoDataError
from segmentation.insights.preview import compared_with
from segmentation.insights.published import said_of
from segmentation.insights.reader import reader
from segmentation.run.kept import Kept
from segmentation.schemas import AMOUNT, CUSTOMER_ID, PURCHASE_DATE
from segmentation.state.commits import rows_of
from segmentation.state.output import Output

# Below these, a month more or a few customers more would lead to other advice.
FEWEST_CUSTOMERS, FEWEST_DAYS = 100, 183
# Days of silence that are tried, and days in which somebody who comes back does so.
SILENCES = (30, 45, 60, 75, 90, 120, 150, 180, 240, 300, 365)
COMES_BACK_WITHIN = 180
# Whoever is as silent as that comes back less often than one time in four.
GONE = Decimal("0.25")
# Of what is seen fewer times, shares say nothing.
FEWEST_SILENCES = 50
SEVERAL = 2
HIGH, LOW, OFTEN = 0.9, 1 / 3, 0.8
# A month is one in which sales concentrate if it sells as many times of what an average month does.
CONCENTRATED = Decimal("1.5")
MONTHS = 12
# Of a leap year, and 0 for no month.
LAST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class Advice:
    """One setting: its value as in a YAML file, None for no advice, and why."""

    setting: str
    value: Any
    why: str


def suggest(segmentation: Segmentation, output: Output) -> dict[str, Any]:
    """Settings from the purchases that incremental runs keep, and what they would change.

    Args:
        segmentation: the rules as they are published.
        output: where.

    Returns:
        JSON-serialisable: ``as_of``, ``advice`` (``setting``, ``value``, null for none, ``why``), ``settings`` (a
        configuration's fragment), and ``preview``, what `preview.preview` tells of it.

    Raises:
        NoDataError: there is too little to go by, and what is missing.
        ConfigError: nothing is published, or runs keep no purchases.
    """
    with reader(segmentation.config, output) as (engine, folder):
        said = said_of(engine, output)
        if not said.get("state"):
            raise ConfigError("suggest: needs the purchases, which runs keep with --mode incremental. Run it once.")
        kept = Kept(engine, output, segmentation.config, said, folder)
        as_of = date.fromisoformat(said["as_of"])
        bought = kept.purchases.where((F.col(PURCHASE_DATE) <= on(as_of)) & (F.col(AMOUNT) >= 0))
        customers = rows_of(engine, output.segments)
        _refuse_too_little(bought, customers)
        advice = [
            *_silence(bought, as_of),
            *_spend(customers),
            *_loyal(customers, segmentation.config.loyal_window_months),
            *_months(bought, as_of, segmentation.config),
        ]
        settings = {one.setting: one.value for one in advice if one.value is not None}
        tried = segmentation.with_config(override(segmentation.config, settings))
        preview = compared_with(tried, engine, output, folder)
    return {
        "as_of": as_of.isoformat(),
        "advice": [{"setting": one.setting, "value": one.value, "why": one.why} for one in advice],
        "settings": settings,
        "preview": preview,
    }


def _refuse_too_little(bought: DataFrame, customers: DataFrame) -> None:
    found = only_row(bought.agg(F.min(PURCHASE_DATE).alias("first"), F.max(PURCHASE_DATE).alias("last")))
    days = (found["last"] - found["first"]).days + 1 if found["first"] else 0
    count = customers.count()
    lacks = [f"{FEWEST_CUSTOMERS} customers (there are {count:,})"] if count < FEWEST_CUSTOMERS else []
    lacks += [f"{FEWEST_DAYS} days of purchases (there are {days:,})"] if days < FEWEST_DAYS else []
    if lacks:
        raise NoDataError(f"too little to advise on: needs at least {' and '.join(lacks)}.")


def _silence(bought: DataFrame, as_of: date) -> list[Advice]:
    """After how many days without a purchase customers rarely come back.

    A silence lasts from a day with purchases to the customer's next one, or still does. Those are counted that have
    lasted so many days, and began early enough for it to be known whether they ended in the time after.
    """
    days = bought.select(CUSTOMER_ID, PURCHASE_DATE).distinct()
    following = F.lead(PURCHASE_DATE).over(Window.partitionBy(CUSTOMER_ID).orderBy(PURCHASE_DATE))
    silences = days.withColumn("ended", following).select(
        F.datediff(F.coalesce("ended", on(as_of)), PURCHASE_DATE).alias("lasted"),
        F.datediff(on(as_of), PURCHASE_DATE).alias("known"),
        F.col("ended").isNotNull().alias("has_ended"),
    )
    counts = []
    for number in SILENCES:
        reached = (F.col("lasted") > number) & (F.col("known") >= number + COMES_BACK_WITHIN)
        back = reached & F.col("has_ended") & (F.col("lasted") <= number + COMES_BACK_WITHIN)
        counts += [count_if(reached).alias(f"reached {number}"), count_if(back).alias(f"back {number}")]
    found = only_row(silences.agg(*counts))
    shares = [
        (number, found[f"reached {number}"], Decimal(found[f"back {number}"]) / found[f"reached {number}"])
        for number in SILENCES
        if found[f"reached {number}"] >= FEWEST_SILENCES
    ]
    first = next((one for one in shares if one[2] < GONE), None)
    if first is None:
        longest = (
            f"even of those of {shares[-1][0]} days {shares[-1][2]:.0%} end later" if shares else "too few are known"
        )
        return [Advice("lapsed_after_days", None, f"no silence is seen to be the last: {longest}")]
    number, reached, share = first
    before = next((f", of those of {days} days {back:.0%}" for days, _, back in reversed(shares) if days < number), "")
    return [
        Advice(
            "lapsed_after_days",
            number,
            f"of {reached:,} silences that lasted {number} days, {share:.0%} ended in the {COMES_BACK_WITHIN} days "
            f"after{before}; lapsed means less than {GONE:.0%}",
        )
    ]


def _spend(customers: DataFrame) -> list[Advice]:
    """The most valuable tenth and the lower third."""
    spend, average = (F.col(name).cast("double") for name in ("lifetime_spend", "average_order_value"))
    quantiles = {"low": (spend, LOW), "high": (spend, HIGH), "average": (average, HIGH)}
    cut = only_row(customers.agg(*[F.percentile_approx(of, at).alias(name) for name, (of, at) in quantiles.items()]))
    low, high, mean = (_rounded(cut[name]) for name in ("low", "high", "average"))
    if not 0 < low < high or mean <= 0:
        return [Advice("high_lifetime_threshold", None, "all customers spend about the same")]
    total = F.sum("lifetime_spend").alias("total")
    theirs = F.sum(F.when(F.col("lifetime_spend") >= high, F.col("lifetime_spend"))).alias("theirs")
    of_high = only_row(customers.agg(total, theirs, count_if(F.col("lifetime_spend") >= high).alias("n")))
    share = Decimal(of_high["theirs"] or 0) / of_high["total"]
    return [
        Advice(
            "high_lifetime_threshold",
            high,
            f"about a tenth of the customers ({of_high['n']:,}) have spent as much; {share:.0%} of all spend is theirs",
        ),
        Advice("high_aov_threshold", mean, "about a tenth of the customers spend as much on average"),
        Advice("low_lifetime_threshold", low, "about a third of the customers have spent no more"),
    ]


def _loyal(customers: DataFrame, months: int) -> list[Advice]:
    """How often the most frequent fifth of those buys who buy at all."""
    window = next(
        name for name in ("purchases_in_loyal_window", "purchases_last_6_months") if name in customers.columns
    )
    active = customers.where(F.col(window) > 0)
    found = only_row(active.agg(F.percentile_approx(window, OFTEN).alias("often"), F.count(F.lit(1)).alias("n")))
    if not found["n"] or found["often"] < SEVERAL:
        return [Advice("loyal_min_purchases", None, f"in {months} months, hardly anybody buys more than once")]
    return [
        Advice(
            "loyal_min_purchases",
            int(found["often"]),
            f"of {found['n']:,} who bought in the last {months} months, about a fifth did so at least as often",
        )
    ]


def _months(bought: DataFrame, as_of: date, config: SegmentationConfig) -> list[Advice]:
    """Months in which sales concentrate, in every year of which they are known in full."""
    found = bought.groupBy(month_of(F.col(PURCHASE_DATE)).alias("month")).agg(F.sum(AMOUNT).alias("sold")).collect()
    sold = {row["month"]: row["sold"] for row in found}
    # The first month may have begun before the data, and the last goes on.
    ends = min(sold), as_of.year * 100 + as_of.month
    every = [year * 100 + month for year in range(ends[0] // 100, as_of.year + 1) for month in range(1, MONTHS + 1)]
    whole = {month: sold.get(month, Decimal(0)) for month in every if ends[0] < month < ends[1]}
    if len(whole) < MONTHS:
        return [Advice("festive_periods", None, "less than a year of whole months is known")]
    average = sum(whole.values(), Decimal(0)) / len(whole)
    known = {number for one in config.festive_periods if isinstance(one, AnnualPeriod) for number in _months_of(one)}
    strong = [month for month in range(1, 13) if month not in known and _is_strong(whole, month, average)]
    if not strong:
        return [Advice("festive_periods", None, "in no further month do sales concentrate")]
    names = [month_name[month] for month in strong]
    new = [{"name": month_name[month], "from": f"{month:02}-01", "to": f"{month:02}-{LAST[month]}"} for month in strong]
    return [
        Advice(
            "festive_periods",
            [*config.rules()["festive_periods"], *new],
            f"{', '.join(names)}: in every known year at least {CONCENTRATED} times the sales of an average month",
        )
    ]


def _months_of(period: AnnualPeriod) -> list[int]:
    """The months that lie in it from their first day to their last."""
    months = range(1, 13)
    if period.from_ > period.to:
        return [one for one in months if f"{one:02}-01" >= period.from_ or f"{one:02}-{LAST[one]}" <= period.to]
    return [one for one in months if period.from_ <= f"{one:02}-01" and f"{one:02}-{LAST[one]}" <= period.to]


def _is_strong(whole: Mapping[int, Decimal], month: int, average: Decimal) -> bool:
    sold = [amount for one, amount in whole.items() if one % 100 == month]
    return bool(sold) and all(one >= CONCENTRATED * average for one in sold)


def _rounded(amount: float) -> int:
    """To two digits, as people choose thresholds."""
    whole = Decimal(str(amount))
    zeros = max(whole.adjusted() - 1, 0)
    return int(whole.scaleb(-zeros).to_integral_value(ROUND_HALF_UP).scaleb(zeros))
