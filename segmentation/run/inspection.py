"""What a run would meet in CSV files, and the configuration that reads them best; nothing is published.

The files are read as they are configured; if settings would read more of them, once more with these; and so on until
there are none. So what is said of the last reading is seen, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig, override
from segmentation.core.metrics import METRICS_SCHEMA
from segmentation.core.quality import Profile, enforce_gate
from segmentation.core.segmentation import Segmentation
from segmentation.core.validation import label_rows
from segmentation.encodings import REPLACED
from segmentation.engines.base import Engine, StoredFile
from segmentation.engines.choose import Task, choose, open_engine
from segmentation.errors import ConfigError, SegmentationError, SourceError
from segmentation.locations import join, local_path, readable
from segmentation.run.advice import notes_on, settings_for
from segmentation.run.settling import Settled, refuse_nothing, settled
from segmentation.schemas import PURCHASE_COLUMNS, RAW_RECORD, REASONS, SOURCE, Reason
from segmentation.sources import RawRows
from segmentation.sources.csv import find, read_csv
from segmentation.sources.guessing import Setting, guessed_encoding, guessed_layout, line_number_of
from segmentation.sources.layout import Form, heads_of, layout_of
from segmentation.state import tables

MOST_ROUNDS = 8
EXAMPLES = 3
SEEN = 1 << 14
# Where the bytes are that an encoding does not have, may be far behind the header.
SEARCHED = 32 << 20


@dataclass(frozen=True)
class FileSeen:
    """A file as it is read: where its header is, what is in it, and which of its cells is which purchase column."""

    path: str
    bytes: int
    encoding: str
    delimiter: str
    header_line: int
    header: list[str]
    columns: dict[str, str]


@dataclass
class Look:
    """What a run with one configuration would meet.

    Attributes:
        engine: which one, and why.
        files: those whose header was found.
        error: what such a run would end with, None where it would publish.
        exit_code: of such a run.
        found: the counts, None where the rows could not be read.
        examples: per reason, up to three rejected rows: source and raw texts.
        notes: what no setting mends.
    """

    engine: str = ""
    files: list[FileSeen] = field(default_factory=list)
    error: str | None = None
    exit_code: int = 0
    found: Profile | None = None
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Inspection:
    """The look with the configuration as it is, the last one, and the settings that lie between them."""

    now: Look
    then: Look
    settings: dict[str, Setting]


def inspect(paths: Sequence[str], config: SegmentationConfig) -> Inspection:
    """Look at files until no setting would read more of them.

    Args:
        paths: files, directories or globs.
        config: what a run would read them with.

    Raises:
        SourceError: there is no such file, or one is no CSV.
    """
    settings: dict[str, Setting] = {}
    looks: list[Look] = []
    for _ in range(MOST_ROUNDS):
        then, better = _look(paths, config)
        looks.append(then)
        new = [one for one in better if one.name not in settings or one.value != settings[one.name].value]
        if not new:
            break
        try:
            config = override(config, {one.name: one.value for one in new})
        except ConfigError as error:
            then.notes.append(f"{', '.join(one.name for one in new)} would help, but: {error}")
            break
        settings |= {one.name: _joined(settings.get(one.name), one) for one in new}
    # Spark, once open, stays open, which is then its reason.
    first = next(look for look in looks if look.engine.split(",")[0] == then.engine.split(",")[0])
    then.engine = first.engine
    return Inspection(looks[0], then, settings)


def _joined(before: Setting | None, one: Setting) -> Setting:
    return one if before is None else Setting(one.name, one.value, f"{before.why}; {one.why}")


def _look(paths: Sequence[str], config: SegmentationConfig) -> tuple[Look, list[Setting]]:
    """Look once, and say which settings would read more."""
    with TemporaryDirectory(prefix="segmentation-") as folder:
        task = Task("csv", paths, folder)
        choice = choose(config, task, None)
        look = Look(f"{choice.name}, because {choice.why}")
        engine = open_engine(choice, config, task, None, progress_bar=False)
        try:
            engine.check(list(paths))
            return look, _looked(engine, paths, config, look, folder)
        finally:
            engine.close()


def _looked(engine: Engine, paths: Sequence[str], config: SegmentationConfig, look: Look, folder: str) -> list[Setting]:
    form = Form(config.columns, config.encoding, config.delimiter, config.skip_lines)
    files = find(engine.files, paths)
    better = list(_of_layouts(engine, files, form, look))
    if look.error:
        return better
    with engine.reading():
        Segmentation(config).check(engine.rows([], METRICS_SCHEMA))
        raw = read_csv(engine, paths, form, join(folder, "text"))
        engine.fit_to(raw.size)
        rows = _settled(engine, raw, config, folder)
        look.found = rows.found
        look.examples = _examples(engine, rows, raw)
        if any(REPLACED in (one[RAW_RECORD] or "") for one in look.examples.get(Reason.MALFORMED_ROW, [])):
            better = list(_of_bytes(engine, files, form))
            if better:
                return better
        _judge(look, rows, config, paths)
        better = list(settings_for(rows.rows, rows.found, config))
        if not better:
            look.notes += [*notes_on(rows.rows, rows.found, config), *_line_numbers(look, config)]
    return better


def _settled(engine: Engine, raw: RawRows, config: SegmentationConfig, folder: str) -> Settled:
    labelled = label_rows(raw.frame, config, _today(config), by_pattern=engine.matches_cheaply)
    as_of = config.as_of if not isinstance(config.as_of, str) else None
    kept = _kept(engine, labelled, join(folder, "purchases"), is_local=all(map(local_path, raw.names)))
    return settled(engine, kept, config, _today(config) if config.as_of == "today" else as_of, folder)


def _kept(engine: Engine, labelled: DataFrame, folder: str, *, is_local: bool) -> DataFrame:
    """In a file, as a run does; where executors on other machines would not see it, in memory."""
    return engine.stage(labelled, folder) if is_local else engine.keep(labelled, folder)


def _today(config: SegmentationConfig) -> Any:
    return datetime.now(UTC).astimezone(config.zone).date()


def _of_layouts(engine: Engine, files: Sequence[StoredFile], form: Form, look: Look) -> Iterator[Setting]:
    """Fill in the files; where one cannot be read, the error of a run, and the settings that would read it."""
    try:
        heads = heads_of(engine.files, files, form)
    except SourceError as error:
        better = [one for one in _of_bytes(engine, files, form, SEEN) if one.name == "encoding"]
        if not better:
            raise
        _fail(look, error)
        yield from better
        return
    for file, head in heads.items():
        try:
            layout = layout_of(head, form, readable(file.uri))
        except SegmentationError as error:
            if look.error is None:
                _fail(look, error)
                # Names can be told once their bytes are.
                yield from list(_of_bytes(engine, [file], form, SEEN)) or guessed_layout(head.text, form)
            continue
        if layout is None:
            continue
        cells = list(layout.names)
        mapped = {
            name: cells[at].strip() or f"column {at + 1}"
            for name, at in zip(PURCHASE_COLUMNS, layout.positions, strict=False)
        }
        look.files.append(
            FileSeen(
                readable(file.uri), file.size, layout.encoding, layout.delimiter, len(layout.preamble), cells, mapped
            )
        )


def _fail(look: Look, error: SegmentationError) -> None:
    look.error, look.exit_code = str(error), error.exit_code


def _of_bytes(engine: Engine, files: Sequence[StoredFile], form: Form, size: int = SEARCHED) -> Iterator[Setting]:
    found = (guessed_encoding(engine.files.head(file.path, size), form.encoding) for file in files)
    yield from [one for one in found if one][:1]


def _judge(look: Look, rows: Settled, config: SegmentationConfig, paths: Sequence[str]) -> None:
    try:
        refuse_nothing(rows.found, paths)
        enforce_gate(rows.found, config.max_rejected_ratio)
        rows.days(str(config.as_of))
    except SegmentationError as error:
        _fail(look, error)


def _examples(engine: Engine, rows: Settled, raw: RawRows) -> dict[str, list[dict[str, Any]]]:
    """Per reason a few rows that have it."""
    rejected = tables.rejected_rows(engine, rows.rows, raw.names, "", F.lit(None).cast("timestamp"))
    shown = rejected.select(SOURCE, RAW_RECORD, *PURCHASE_COLUMNS, REASONS)
    return {
        reason: [
            row.asDict() for row in shown.where(F.array_contains(REASONS, F.lit(reason))).limit(EXAMPLES).collect()
        ]
        for reason in rows.found.rejected_by_reason
    }


def _line_numbers(look: Look, config: SegmentationConfig) -> Iterator[str]:
    names = {line_number_of(file.header, config.columns) for file in look.files} - {None}
    if config.grain == "line" and names:
        name = sorted(map(str, names))[0]
        yield (
            f"{name!r} may number the lines of an order: with columns: {{line_id: {name}}}, a line that comes twice "
            "counts once."
        )
