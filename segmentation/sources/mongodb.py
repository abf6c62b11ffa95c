"""A MongoDB collection -> the raw frame, read by the MongoDB Spark Connector.

The server is asked for the five values and for the BSON type of each, in one aggregation: the types tell the double
1e5, which is an amount, from the text "1e5", which is none, and a document of the wrong shape from a missing value.
Nothing is inferred, and only a document of the wrong shape is sent whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import IllegalArgumentException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.config import MongoConfig
from segmentation.config.values import by_name
from segmentation.console import LOGGER
from segmentation.core.source_ids import source_id
from segmentation.core.typed import number_text
from segmentation.errors import NoDataError, SourceError
from segmentation.schemas import LINE_ID, PURCHASE_COLUMNS, RAW_RECORD, SOURCE_ID
from segmentation.sources import RawRows
from segmentation.sources.mongo_server import FIRST_LOOK_PATIENCE, INVALID_URI, connection_uri, explain, server
from segmentation.sources.mongo_since import newest, since

DOCUMENT_PATHS: Mapping[str, str] = dict(
    zip(PURCHASE_COLUMNS, ("customer.id", "order_id", "date", "total_amount_lkr", "product.category"), strict=True)
)
PARTITIONERS = "com.mongodb.spark.sql.connector.read.partitioner."
# The first samples the collection, which some users may not; the second only counts and skips; the third does nothing.
FALLBACKS = ("AutoBucketPartitioner", "PaginateIntoPartitionsPartitioner", "SinglePartitionPartitioner")
BYTES_PER_DOCUMENT = 60


def read_mongodb(
    spark: SparkSession,
    config: MongoConfig,
    columns: Mapping[str, str],
    marks: Mapping[str, str] = MappingProxyType({}),
    high: Any = None,
) -> RawRows:
    """Read purchases from a collection.

    Args:
        spark: the session.
        config: where, as whom, what and how.
        columns: purchase column -> dotted path, beside those of `config` and the document's.
        marks: how the point is written of values that are read as numbers.
        high: what `RawRows.high` was the last time, None to read all.

    Returns:
        The raw frame, `RAW_COLUMNS`, and the further columns that are mapped: one row per document, all text;
        ``source_id`` stands for ``database.collection``; ``raw_record`` is the document as JSON where a
        value or its parent has the wrong shape.

    Raises:
        SourceError: the server cannot be reached or refuses.
        NoDataError: the collection is empty or missing.
    """
    only = dict(config.filter or {})
    if config.incremental and high is not None:
        only = {"$and": [only, since(config.incremental, high)]}
    count, largest = look(spark, config, connection_uri(config, FIRST_LOOK_PATIENCE), only)
    paths = {**DOCUMENT_PATHS, **columns, **by_name(config.columns)}
    documents = _partitioned(spark, config, connection_uri(config), list(paths), pipeline(paths, only))
    texts = [_separated(name, marks.get(name, ".")).alias(name) for name in paths]
    name = f"{config.database}.{config.collection}"
    frame = documents.select(source_id(F.lit(name)).alias(SOURCE_ID), RAW_RECORD, *texts)
    return RawRows(frame, count * BYTES_PER_DOCUMENT, [name], largest)


def pipeline(paths: Mapping[str, str], only: Mapping[str, Any] | None) -> str:
    """The aggregation that the server runs: ``$match`` for the filter, then the values, their types, odd documents."""
    types = {name: {"$type": f"${path}"} for name, path in paths.items()}
    # Of a column that only a configuration knows, a wrong shape costs no purchase.
    needed = {name: path for name, path in paths.items() if name in (*PURCHASE_COLUMNS, LINE_ID)}
    parents = sorted({path[:at] for path in needed.values() for at, mark in enumerate(path) if mark == "."})
    no_scalar = [{"$in": [types[name], ["object", "array"]]} for name in needed]
    no_document = [{"$not": [{"$in": [{"$type": f"${path}"}, ["object", "missing", "null"]]}]} for path in parents]
    fields: dict[str, Any] = {name: f"${path}" for name, path in paths.items()}
    fields |= {_type(name): kind for name, kind in types.items()}
    fields[RAW_RECORD] = {"$cond": [{"$or": no_scalar + no_document}, "$$ROOT", None]}
    match = [{"$match": only}] if only else []
    return json.dumps([*match, {"$project": fields}], default=str)


def as_text(name: str) -> Column:
    """A value as the connector renders it -> the text that a CSV file would hold; null and missing are null.

    A BSON date comes as an instant in UTC; whole doubles lose their ``.0``, and exponents are written out.
    """
    value, kind = F.col(name), F.col(_type(name))
    not_finite = F.when(value.contains("$number"), F.regexp_extract(value, "[+-]?(NaN|Infinity)", 0))
    with_exponent = value.rlike("[eE]") | (kind == "double")
    is_fraction = kind.isin("double", "decimal")
    return F.when(is_fraction & with_exponent, F.coalesce(not_finite, number_text(value))).otherwise(value)


def _separated(name: str, mark: str) -> Column:
    """The same; the point of a number is written as in texts."""
    text, is_text = as_text(name), F.col(_type(name)) == "string"
    return text if mark == "." else F.when(is_text, text).otherwise(F.translate(text, ".", mark))


def look(spark: SparkSession, config: MongoConfig, uri: str, only: Mapping[str, Any]) -> tuple[int, Any]:
    """See that the collection can be read and holds something; return about how many documents, and `RawRows.high`.

    Raises:
        SourceError: one sentence on what is wrong and what to check.
        NoDataError: nothing is there.
    """
    jvm: Any = spark.sparkContext._jvm
    where = f"{config.database}.{config.collection}"
    client = None
    try:
        client = jvm.com.mongodb.client.MongoClients.create(uri)
        collection = client.getDatabase(config.database).getCollection(config.collection)
        parse = jvm.org.bson.Document.parse
        query = parse(json.dumps(only, default=str))
        if collection.find(query).first() is None:
            what = "matches the filter" if only else "is in the collection (it may not exist)"
            raise NoDataError(f"no document {what} {where} on {server(config)}. Check mongodb.database and collection.")
        field = config.incremental.field if config.incremental else None
        largest = newest(collection, query, field, parse) if field else None
        return int(collection.estimatedDocumentCount()), largest
    except IllegalArgumentException:
        raise SourceError(INVALID_URI) from None
    except Py4JJavaError as error:
        raise SourceError(explain(error, config)) from None
    finally:
        if client:
            client.close()


def _partitioned(spark: SparkSession, config: MongoConfig, uri: str, names: list[str], aggregation: str) -> DataFrame:
    """The documents, in as many partitions as the server lets itself be asked for."""
    schema = ", ".join(f"{name} string, {_type(name)} string" for name in names) + f", {RAW_RECORD} string"
    reader = (
        spark.read.format("mongodb")
        .schema(schema)
        .option("connection.uri", uri)
        .option("database", config.database)
        .option("collection", config.collection)
        .option("aggregation.pipeline", aggregation)
    )
    for key, value in config.partitioner_options.items():
        reader = reader.option(f"partitioner.options.{key}", value)
    if config.partitioner:
        name = config.partitioner if "." in config.partitioner else PARTITIONERS + config.partitioner
        return reader.option("partitioner", name).load()
    for name in FALLBACKS[:-1]:
        frame = reader.option("partitioner", PARTITIONERS + name).load()
        try:
            frame._jdf.queryExecution().toRdd().getNumPartitions()
        except Py4JJavaError:
            LOGGER.warning("MongoDB refuses what the %s asks for; trying a slower one.", name)
        else:
            return frame
    return reader.option("partitioner", PARTITIONERS + FALLBACKS[-1]).load()


def _type(name: str) -> str:
    return f"{name}_type"
