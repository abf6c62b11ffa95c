"""What labelled rows say of the configuration they were read with: frames with a row a finding, none a customer."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.texts import plain_number, try_cast
from segmentation.schemas import (
    AMOUNT,
    AMOUNT_TYPE,
    CATEGORY,
    CUSTOMER_ID,
    EDGES,
    LIKE_A_LINE,
    PURCHASE_DATE,
    PURCHASE_ID,
    RAW,
    RAW_TEXTS,
    REASONS,
    WARNING,
    WHITESPACE,
    Reason,
    Warn,
)

# Decimal mark and thousands separator; of those that read as many amounts, the first.
SEPARATORS = (
    *((".", None), (".", ","), (",", None), (",", "."), (",", " "), (".", " ")),
    *((",", "\u00a0"), (",", "\u202f"), (".", "'"), (".", "\u2019")),
)
NULL_LIKE = (
    *("null", "none", "nil", "nan", "na", "n/a", "n.a.", "#n/a", "n\\a", "\\n", "-", "--", "---", "?", "."),
    *("(null)", "<null>", "(blank)", "(empty)", "empty", "missing", "undefined", "unknown", "not available"),
    *("#ref!", "#value!", "#name?", "#null!", "tbd", "tba", "xxx"),
)
# As twelve hundred may be written: 1.200.
THREE_DECIMALS = r"\.[0-9]{3}\z"
NUMBERS = r"\A([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+)"
# These may be names of nobody, or of somebody.
GUESTS = ("guest", "guest customer", "anonymous", "walk-in", "walk in", "walkin", "cash", "cash customer", "0")


def text_of(column: str) -> Column:
    """The text of a purchase column as it was read; null where there was none."""
    raw = F.get(F.col(RAW), RAW_TEXTS.index(column))
    return F.when(F.col(RAW).isNotNull(), raw).otherwise(F.col(column).cast("string"))


def date_shapes(labelled: DataFrame) -> DataFrame:
    """Texts that are no dates, by their shape.

    Returns:
        One row per shape, as `date_shapes.Shape` has them.
    """
    is_wrong = F.array_contains(REASONS, F.lit(Reason.INVALID_PURCHASE_DATE))
    text = F.btrim(text_of(PURCHASE_DATE), F.lit(WHITESPACE))
    words = F.regexp_replace("text", "[A-Za-z]+", "a")
    shape = F.regexp_replace(F.regexp_replace(words, "[0-9]{4}", "Y"), "[0-9]{1,3}", "9")
    parts = {f"text_{at + 1}": F.regexp_extract("text", NUMBERS, at + 1) for at in range(3)}
    pieces = {"year": (1, 4), "middle": (5, 2), "last": (7, 2), "start": (1, 2), "next": (3, 2)}
    digits = {f"text_{name}": F.when(F.length("text") == 8, F.substring("text", *cut)) for name, cut in pieces.items()}
    typed = {name.replace("text", "number"): try_cast(name, "int") for name in (*parts, *digits)}
    starts_with_year = F.length("text_1") == 4
    one = F.coalesce(F.when(starts_with_year, F.col("number_2")).otherwise(F.col("number_1")), F.col("number_start"))
    other = F.coalesce(F.when(starts_with_year, F.col("number_3")).otherwise(F.col("number_2")), F.col("number_next"))
    is_year_first = (
        F.col("number_year").between(1900, 2100)
        & F.col("number_middle").between(1, 12)
        & F.col("number_last").between(1, 31)
    )
    return (
        labelled.where(is_wrong)
        .select(text.alias("text"))
        .withColumns({**parts, **digits})
        .withColumns(typed)
        .withColumns({"one": one, "other": other})
        .groupBy(shape.alias("form"))
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min("text").alias("example"),
            F.count_if(F.col("one").between(13, 31) & F.col("other").between(1, 12)).alias("one_is_day"),
            F.count_if(F.col("other").between(13, 31) & F.col("one").between(1, 12)).alias("other_is_day"),
            F.count_if(is_year_first).alias("year_first"),
            F.coalesce(F.max("number_3"), F.lit(0)).alias("third"),
        )
    )


def separators_to_try(config: SegmentationConfig) -> list[tuple[str, str | None]]:
    """Pairs of marks as they would be configured, what is configured in front."""
    now = config.decimal_separator, config.thousands_separator
    kept = [(mark, thousands or (now[1] if now[1] != mark else None)) for mark, thousands in SEPARATORS]
    return list(dict.fromkeys([now, *kept]))


def amounts_by_separators(labelled: DataFrame, config: SegmentationConfig) -> DataFrame:
    """What each of `separators_to_try` makes of the amounts.

    Returns:
        One row; a column a pair, named by its place, with the amounts that it reads; and ``changed_`` and the place,
        those that are another number with it than now, or none any more; and ``three_`` and the place, those with three
        decimals.
    """
    typed = F.translate(F.col(AMOUNT).cast("string"), ".", config.decimal_separator)
    raw = F.get(F.col(RAW), RAW_TEXTS.index(AMOUNT))
    text = F.btrim(F.when(F.col(RAW).isNotNull(), raw).otherwise(typed), F.lit(WHITESPACE))
    pairs = separators_to_try(config)
    numbers = labelled.select(text.alias("text")).select(
        *[plain_number(F.col("text"), *pair).alias(f"text_{at}") for at, pair in enumerate(pairs)]
    )
    typed_numbers = numbers.select(
        "*", *[try_cast(f"text_{at}", AMOUNT_TYPE).alias(f"n_{at}") for at in range(len(pairs))]
    )
    is_read = {str(at): F.col(f"n_{at}").isNotNull() for at in range(len(pairs))}
    is_changed = {
        f"changed_{at}": is_read["0"] & ~F.col("n_0").eqNullSafe(F.col(f"n_{at}")) for at in range(len(pairs))
    }
    has_three = {
        f"three_{at}": F.col(f"n_{at}").isNotNull() & F.col(f"text_{at}").rlike(THREE_DECIMALS)
        for at in range(len(pairs))
    }
    counts = {**is_read, **is_changed, **has_three}
    return typed_numbers.agg(*[F.count_if(what).alias(name) for name, what in counts.items()])


def three_decimals(labelled: DataFrame, config: SegmentationConfig) -> DataFrame:
    """How many amounts there are, and how many of them have three decimals.

    Returns:
        One row: ``amounts``, ``three``.
    """
    # Where nothing is kept as it was read, there are two.
    text = plain_number(
        F.get(F.col(RAW), RAW_TEXTS.index(AMOUNT)), config.decimal_separator, config.thousands_separator
    )
    amounts = labelled.select(AMOUNT, text.alias("text"))
    return amounts.agg(F.count(AMOUNT).alias("amounts"), F.count_if(F.col("text").rlike(THREE_DECIMALS)).alias("three"))


def odd_amounts(labelled: DataFrame) -> DataFrame:
    """Texts that are no amounts, by their shape.

    Returns:
        One row per shape: ``form``, digits as ``9``; ``rows``; ``example``.
    """
    text = F.btrim(text_of(AMOUNT), F.lit(WHITESPACE)).alias("text")
    wrong = labelled.where(F.array_contains(REASONS, F.lit(Reason.INVALID_AMOUNT))).select(text)
    shapes = wrong.groupBy(F.regexp_replace("text", "[0-9]+", "9").alias("form"))
    return shapes.agg(F.count(F.lit(1)).alias("rows"), F.min("text").alias("example"))


def orders_with_lines(settled: DataFrame) -> DataFrame:
    """Purchases with several rows of one customer and day.

    Returns:
        One row: ``orders``, how many there are, and ``alike``, how many of these have one amount in all rows, as where
        each line shows the total of its order.
    """
    rows = settled.where(F.col(REASONS).isNull() | F.col(LIKE_A_LINE))
    orders = rows.groupBy(PURCHASE_ID).agg(
        F.count(F.lit(1)).alias("rows"), F.min(AMOUNT).alias("least"), F.max(AMOUNT).alias("most")
    )
    several = orders.where(F.col("rows") > 1)
    return several.agg(F.count(F.lit(1)).alias("orders"), F.count_if(F.col("least") == F.col("most")).alias("alike"))


def words_like_null(labelled: DataFrame) -> DataFrame:
    """Ids that look like words for nothing.

    Returns:
        One row per column and word: ``column``, ``word`` as it is written, ``rows``, and ``sure`` (boolean): false
        where it may be somebody's name.
    """
    ids = F.explode(
        F.array(
            *[
                F.struct(F.lit(name).alias("column"), F.btrim(text_of(name), F.lit(EDGES)).alias("word"))
                for name in (CUSTOMER_ID, PURCHASE_ID)
            ]
        )
    )
    is_missing = F.array_contains(REASONS, F.lit(Reason.MALFORMED_ROW))
    small = F.lower("word")
    sure = small.isin(*NULL_LIKE)
    is_guest = (F.col("column") == CUSTOMER_ID) & small.isin(*GUESTS)
    return (
        labelled.where(~F.coalesce(is_missing, F.lit(False)))
        .select(ids.alias("one"))
        .select("one.*")
        .where(sure | is_guest)
        .groupBy("column", "word")
        .agg(F.count(F.lit(1)).alias("rows"), F.max(sure).alias("sure"))
    )


def unknown_categories(labelled: DataFrame) -> DataFrame:
    """The words that are no category.

    Returns:
        One row per word, the most frequent first: ``word``, ``rows``.
    """
    unknown = labelled.where(F.col(WARNING) == Warn.UNKNOWN_CATEGORY)
    words = unknown.groupBy(F.btrim(text_of(CATEGORY), F.lit(EDGES)).alias("word")).agg(F.count(F.lit(1)).alias("rows"))
    return words.orderBy(F.col("rows").desc(), "word")
