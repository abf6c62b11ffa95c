"""What labelled rows say of the configuration they were read with: frames with a row a finding, none a customer."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.texts import plain_number, try_cast
from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CUSTOMER_ID,
    EDGES,
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
# These may be names of nobody, or of somebody.
GUESTS = ("guest", "guest customer", "anonymous", "walk-in", "walk in", "walkin", "cash", "cash customer", "0")


def text_of(column: str) -> Column:
    """The text of a purchase column as it was read; null where there was none."""
    raw = F.get(F.col(RAW), RAW_TEXTS.index(column))
    return F.when(F.col(RAW).isNotNull(), raw).otherwise(F.col(column).cast("string"))


def date_shapes(labelled: DataFrame) -> DataFrame:
    """Texts that are no dates, by their shape.

    Returns:
        One row per shape, as `date_shapes.Shape` has them: ``form``, ``rows``, ``example``, ``first``, ``second``.
    """
    is_wrong = F.array_contains(REASONS, F.lit(Reason.INVALID_PURCHASE_DATE))
    text = F.btrim(text_of(PURCHASE_DATE), F.lit(WHITESPACE))
    words = F.regexp_replace("text", "[A-Za-z]+", "a")
    shape = F.regexp_replace(F.regexp_replace(words, "[0-9]{4}", "Y"), "[0-9]{1,3}", "9")
    return (
        labelled.where(is_wrong)
        .select(text.alias("text"))
        .withColumn("first_text", F.regexp_extract("text", "([0-9]+)", 1))
        .withColumn("second_text", F.regexp_extract("text", "[0-9]+[^0-9]+([0-9]+)", 1))
        .groupBy(shape.alias("form"))
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min("text").alias("example"),
            F.coalesce(F.max(try_cast("first_text", "int")), F.lit(0)).alias("first"),
            F.coalesce(F.max(try_cast("second_text", "int")), F.lit(0)).alias("second"),
        )
    )


def amounts_by_separators(labelled: DataFrame, config: SegmentationConfig) -> DataFrame:
    """How many amounts each of `SEPARATORS` reads.

    Returns:
        One row, a column a pair, named by its place in `SEPARATORS`.
    """
    typed = F.translate(F.col(AMOUNT).cast("string"), ".", config.decimal_separator)
    raw = F.get(F.col(RAW), RAW_TEXTS.index(AMOUNT))
    text = F.btrim(F.when(F.col(RAW).isNotNull(), raw).otherwise(typed), F.lit(WHITESPACE))
    amounts = labelled.select(text.alias("text"))
    fits = [plain_number(F.col("text"), *pair).isNotNull() for pair in SEPARATORS]
    return amounts.agg(*[F.count_if(fit).alias(str(at)) for at, fit in enumerate(fits)])


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
