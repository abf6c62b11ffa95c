"""Segments -> a MongoDB collection, for applications that live there already. Optional."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import MongoConfig, MongoTarget
from segmentation.schemas import CUSTOMER_ID
from segmentation.sources.mongo_server import connection_uri


def publish_to_mongodb(
    customers: DataFrame, dimensions: Sequence[str], server: MongoConfig, target: MongoTarget, run_id: str
) -> None:
    """Upsert one document per customer: ``_id`` (the customer id), ``segmentation``, ``as_of``, ``run_id``.

    Each document changes at once, the collection does not: while it is written, readers see customers of both runs,
    told apart by ``run_id``. A run that fails here is repeated without harm.
    """
    documents = customers.select(
        F.col(CUSTOMER_ID).alias("_id"),
        F.struct(*dimensions).alias("segmentation"),
        F.col("as_of").cast("string").alias("as_of"),
        F.lit(run_id).alias("run_id"),
    )
    (
        documents.write.format("mongodb")
        .mode("append")
        .option("connection.uri", connection_uri(server))
        .option("database", target.database)
        .option("collection", target.collection)
        .option("operationType", "replace")
        .option("upsertDocument", "true")
        .save()
    )
