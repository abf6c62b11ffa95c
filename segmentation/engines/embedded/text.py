"""Lines of text with the file that they come from. Sail does not know the name of the file that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from segmentation.core.source_ids import source_id_of
from segmentation.encodings import LINE_END
from segmentation.engines.embedded.files import is_readable_as_it_is, text_blocks, write_plainly
from segmentation.engines.stores import StoredFile
from segmentation.schemas import SOURCE_ID

LINES_PER_BATCH = 100_000
LINES = pa.schema([(SOURCE_ID, pa.int64()), ("place", pa.int64()), ("line", pa.string())])


def lay_out(files: Sequence[StoredFile], encoding: str, folder: Path, texts: dict[StoredFile, Path]) -> None:
    """Lay files out so that the number of each is the name of its folder: ``source_id=N/text``.

    A link where the engine can read the file as it is, else a copy in plain UTF-8. Names of files, whatever is in
    them, so never reach the engine.

    Args:
        files: to lay out.
        encoding: of all of them.
        folder: where.
        texts: what the engine can read of files that were looked through before; what is found is added.
    """
    for file in files:
        place = folder / f"{SOURCE_ID}={source_id_of(file.uri)}"
        place.mkdir(parents=True, exist_ok=True)
        text = place / "text"
        if file not in texts:
            as_it_is = is_readable_as_it_is(file, encoding)
            texts[file] = Path(file.path) if as_it_is else write_plainly(file, encoding, text)
        if texts[file] != text:
            text.symlink_to(texts[file])


def write_numbered(files: Sequence[StoredFile], encoding: str, target: Path) -> None:
    """Write every line of files with its place in its file, `LINES`, as Parquet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(target, LINES, compression="lz4") as writer:
        for file in files:
            number = source_id_of(file.uri)
            for start, lines in _batches(file, encoding):
                places = range(start, start + len(lines))
                writer.write_batch(pa.record_batch([[number] * len(lines), list(places), lines], schema=LINES))


def _batches(file: StoredFile, encoding: str) -> Iterator[tuple[int, list[str]]]:
    start, batch = 0, []
    for line in _lines(file, encoding):
        batch.append(line)
        if len(batch) == LINES_PER_BATCH:
            yield start, batch
            start, batch = start + len(batch), []
    yield start, batch


def _lines(file: StoredFile, encoding: str) -> Iterator[str]:
    """The lines of a file; what is behind the last line end is one if it is not empty."""
    left = ""
    for block in text_blocks(file, encoding):
        # A line end may lie across two blocks.
        text = left + block
        held = "\r" if text.endswith("\r") else ""
        *lines, left = LINE_END.split(text.removesuffix("\r") if held else text)
        left += held
        yield from lines
    *lines, last = LINE_END.split(left)
    yield from lines
    if last:
        yield last
