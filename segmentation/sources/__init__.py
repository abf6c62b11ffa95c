"""Sources: whatever holds purchases -> one raw frame of text, `schemas.RAW_COLUMNS`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from segmentation.errors import SourceError


class RawRows(NamedTuple):
    """What a source found: the raw frame, about how many bytes of text it holds, and the names in it."""

    frame: DataFrame
    size: int
    names: Sequence[str]


@contextmanager
def read_failures() -> Iterator[None]:
    """Turn a failure to read the source, which Spark meets only when it runs, into one message for people.

    Raises:
        SourceError: naming the file.
    """
    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        if "com.mongodb" in str(error):
            raise SourceError(
                "The connection to MongoDB broke while documents were read. Nothing was published; see that the server "
                "runs and run the job again."
            ) from error
        found = re.search(r"[Ee]ncountered error while reading file (\S+?)\.?\s", str(error))
        if not found:
            raise
        causes = re.findall(r"^Caused by: (.*)$", str(error), re.MULTILINE) or ["unknown"]
        raise SourceError(
            f"{found[1]} could not be read to its end ({causes[-1]}). Nothing was published; check that the file is "
            "whole and readable."
        ) from error
