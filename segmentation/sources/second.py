"""A second input -> its rows as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from segmentation.config import SegmentationConfig
from segmentation.config.inputs import SecondInput
from segmentation.config.table import Table
from segmentation.config.values import by_name
from segmentation.engines.base import Engine
from segmentation.errors import NoDataError, SourceError
from segmentation.locations import join
from segmentation.schemas import CUSTOMER_ID
from segmentation.sources import RawRows
from segmentation.sources.csv import find, read_csv
from segmentation.sources.layout import Form
from segmentation.sources.tables import read_table

NEEDED = (CUSTOMER_ID,)


def read_second(engine: Engine, name: str, second: SecondInput, config: SegmentationConfig, folder: str) -> RawRows:
    """Read a second input; headers and schemas are looked at now, rows when they are computed.

    Args:
        engine: what reads.
        name: what the configuration calls the input.
        second: what it says of it.
        config: how text is written.
        folder: where the engine may put what it needs until the run ends.

    Returns:
        The raw frame: ``source_id``, ``raw_record``, ``customer_id`` and the columns of the input, all text.

    Raises:
        NoDataError: nothing is there.
        SourceError: it lacks a column, or cannot be read.
    """
    with _named(f"inputs.{name}"):
        if not engine.files.files(second.path):
            raise NoDataError(
                f"there is nothing at {second.path!r}. Correct inputs.{name}.path, or name another place with --input "
                f"{name}=PATH."
            )
        if second.format == "csv":
            form = Form(
                second.names,
                second.encoding or config.encoding,
                second.delimiter or config.delimiter,
                needed=NEEDED,
            )
            return read_csv(engine, find(engine.files, [second.path]), form, join(folder, "text"))
        table = Table(second.path, is_name=False, format=second.format)
        columns, marks = by_name(second.names), second.marks(config.decimal_separator)
        return read_table(engine, table, columns, marks, join(folder, "table"), NEEDED)


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Say which input it is that cannot be read."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"{place}: {error}") from error
