"""Sail for computing, delta-rs for tables, Python for files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from segmentation.engines.base import Engine, TypedRows
from segmentation.engines.dialect import Decoding, Dialect
from segmentation.engines.embedded import inputs
from segmentation.engines.embedded.columns import connect_mode
from segmentation.engines.embedded.session import served
from segmentation.engines.embedded.stream import Staged, sent
from segmentation.engines.embedded.tables import DeltaRsTables
from segmentation.engines.embedded.text import lay_out, write_numbered
from segmentation.engines.local import LocalFiles
from segmentation.engines.stores import Rows, StoredFile
from segmentation.errors import SegmentationError
from segmentation.schemas import SOURCE_ID

# What Sail's memory pool says.
OUT_OF_MEMORY = ("Resources exhausted", "Failed to allocate additional")
SMALL_MACHINE = 8 << 30
# Where Linux says what a container may use, by the version of its control groups.
GRANTED = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_for(share: Decimal) -> int:
    """Bytes: a share of this machine's memory, or of what its control group grants."""
    # Windows does not say; what fits there fits a small machine.
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else SMALL_MACHINE
    granted = [int(text) for text in map(_read, GRANTED) if text.isdigit()]
    return int(min([machine, *granted]) * share)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


@contextmanager
def temporary_folder(path: Path) -> Iterator[None]:
    """A folder that is gone afterwards."""
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)


class EmbeddedEngine(Engine):
    """One machine, no JVM; see `base.Engine`. Open from its making until `close`.

    Args:
        memory: bytes that the engine may hold.
        spill: a local folder for what needs more.
        why: why this engine.
    """

    name = "embedded"
    matches_cheaply = True
    # Rust makes an array of texts at thrice the price of the texts.
    dialect = Dialect(field=r'[ \t]*(?:"[^"]*(?:""[^"]*)*"[ \t]*|[^", \t\n][^,\n]*)?', at_once=False)

    def __init__(self, memory: int, spill: Path, why: str) -> None:
        self.why = why
        self.memory = memory
        self._open = ExitStack()
        try:
            self._open.enter_context(temporary_folder(spill))
            self._open.enter_context(connect_mode())
            self.session = self._open.enter_context(served(memory, str(spill)))
        except BaseException:
            self._open.close()
            raise
        self.files = LocalFiles()
        self._texts: dict[StoredFile, Path] = {}
        self._staged = Staged(self.session, spill)
        self.tables = DeltaRsTables(self._staged)

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages that compute and publish."""
        return {name: version(name) for name in ("pysail", "deltalake", "pyspark")}

    @contextmanager
    def step(self, name: str, run_id: str) -> Iterator[None]:  # noqa: ARG002
        """Nobody looks in from outside."""
        with self._explained():
            yield

    def fit_to(self, size: int) -> None:
        """It needs no preparing."""

    def check(self, locations: Sequence[str]) -> None:
        """A path without a scheme is local to both."""

    @contextmanager
    def lock(self, location: str, run_id: str) -> Iterator[Callable[[], None]]:  # noqa: ARG002
        """Its outputs are local, and locked by the operating system."""
        yield lambda: None

    def rows(self, rows: Rows, schema: StructType) -> DataFrame:
        """Sent along with the plan."""
        names = schema.names
        return self.session.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)

    def lines(self, files: Sequence[StoredFile], folder: str, decoding: Decoding) -> DataFrame:
        """The number of a file is the name of its folder, which Sail gives to each line."""
        lay_out(files, decoding.encoding, Path(folder), self._texts)
        text = self.session.read.schema(f"value string, {SOURCE_ID} bigint").text(folder)
        return text.withColumnRenamed("value", "record")

    def numbered_lines(self, files: Sequence[StoredFile], folder: str, decoding: Decoding) -> DataFrame:
        """Numbered by us: Sail hands lines out in any order."""
        target = Path(folder, "numbered.parquet")
        write_numbered(files, decoding.encoding, target)
        return self.session.read.parquet(str(target))

    def delta_rows(self, location: str, folder: str) -> list[TypedRows]:
        """Through delta-rs, which knows deletion vectors and renamed columns."""
        return inputs.delta_rows(self.session, location, folder)

    def parquet_rows(self, files: Sequence[StoredFile], folder: str) -> list[TypedRows]:
        """Through Arrow."""
        return inputs.parquet_rows(self.session, files, folder)

    def stage(self, frame: DataFrame, folder: str) -> DataFrame:
        """Parquet."""
        return self._staged.stage(frame, folder)

    def keep(self, frame: DataFrame, folder: str) -> DataFrame:
        """Parquet as well: Sail keeps nothing in memory."""
        return self._staged.keep(frame, folder)

    def write_sorted(
        self,
        lines: DataFrame,
        rows: int,
        folder: str,  # noqa: ARG002
        target: str,
        framed: tuple[str, str, str],
    ) -> None:
        """What comes to the client is in order; what Sail writes itself is not."""
        head, separator, tail = framed
        ordered = lines.orderBy(lines.columns[0]).select("value")
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with Path(target).open("w", encoding="utf-8", newline="") as out:
            out.write(head)
            between = ""
            # Planning alone takes a seventh of a second.
            for batch in sent(ordered) if rows else ():
                if batch.num_rows:
                    out.write(between + separator.join(batch.column(0).to_pylist()))
                    between = separator
            out.write(tail)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A file that cannot be read is found out before the engine computes."""
        yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what is to be done where the engine ran out of memory.

        Raises:
            SegmentationError: it did.
        """
        try:
            yield
        except PySparkException as error:
            if "UNAVAILABLE" in str(error):
                raise SegmentationError(
                    "The embedded engine ended in the middle of the run. Nothing was published. Run again, or use "
                    "--engine spark; if it comes back, please report it with the log."
                ) from error
            if not any(words in str(error) for words in OUT_OF_MEMORY):
                raise
            raise SegmentationError(
                f"The embedded engine needs more than the {self.memory >> 20} MiB it may hold. Nothing was published. "
                "Raise embedded_memory in the configuration, or use --engine spark."
            ) from error

    def close(self) -> None:
        """End the session and the server; nothing listens any more."""
        self._open.close()
