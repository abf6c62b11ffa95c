"""Which packages go with which Spark: the one table that code, tests and docs share.

Delta and the connector are Java libraries built per Spark and per Scala version; a configuration's `packages` may
name others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from segmentation.errors import ConfigError

Package = Literal["delta", "mongodb"]

PACKAGES: Mapping[str, Mapping[Package, str]] = {
    "4.2": {
        "delta": "io.delta:delta-spark_4.2_2.13:4.4.0",
        "mongodb": "org.mongodb.spark:mongo-spark-connector_2.13:10.5.0",
    },
    "3.5": {
        "delta": "io.delta:delta-spark_2.12:3.3.2",
        "mongodb": "org.mongodb.spark:mongo-spark-connector_2.12:10.5.0",
    },
}


def package(name: Package, spark_version: str, overrides: Mapping[Package, str]) -> str:
    """The Maven coordinate of a package for a Spark version such as ``4.2.0``.

    Raises:
        ConfigError: neither the table nor `overrides` knows it.
    """
    if name in overrides:
        return overrides[name]
    minor = ".".join(spark_version.split(".")[:2])
    if minor not in PACKAGES:
        raise ConfigError(
            f"Spark {spark_version} is installed; this project knows the packages for Spark {' and '.join(PACKAGES)}. "
            "Install one of these, or name a fitting one in the configuration, for example: "
            f"packages: {{{name}: group:artifact:version}}."
        )
    return PACKAGES[minor][name]
