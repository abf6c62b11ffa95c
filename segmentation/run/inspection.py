"""What a run would meet in CSV files, and the configuration that reads them best; nothing is published.

The files are read as they are configured; if settings would read more of them, once more with these; and so on until
there are none. So what is said of the last reading is seen, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig, override
from segmentation.core.quality import enforce_gate
from segmentation.core.validation import label_rows
from segmentation.encodings import REPLACED
from segmentation.engines.base import Engine
from segmentation.engines.choose import Task, choose, open_engine
from segmentation.errors import ConfigError, SegmentationError
from segmentation.locations import join, local_path, readable
from segmentation.plug_ins import segmentation_of
from segmentation.run.advice import Advice
from segmentation.run.inputs import read_inputs
from segmentation.run.look import SEVERAL_FORMS, Look, notes_on_headers, settings_of_bytes, settings_of_layouts
from segmentation.run.reading import form_of, rates_of
from segmentation.run.settling import Settled, fixed_as_of, refuse_nothing, settled
from segmentation.schemas import AMOUNT, CUSTOMER_ID, PURCHASE_COLUMNS, RAW_RECORD, REASONS, SOURCE, Reason
from segmentation.sources import RawRows
from segmentation.sources.csv import find, read_csv
from segmentation.sources.guessing import Setting
from segmentation.sources.layout import Form
from segmentation.state import tables

MOST_ROUNDS = 8
EXAMPLES = 3


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
    for number in range(MOST_ROUNDS):
        try:
            then, better = _look(paths, config, is_last=number == MOST_ROUNDS - 1)
        except SegmentationError as error:
            if not looks:
                raise
            # Of what was found, nothing is lost.
            then, better = Look(looks[0].engine, looks[-1].files), []
            then.fail(error)
        looks.append(then)
        new = [one for one in better if one.name not in settings or one.value != settings[one.name].value]
        if not new:
            break
        if any(_contradicts(one, settings) for one in new):
            then.notes.append(SEVERAL_FORMS)
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


def _contradicts(one: Setting, settings: Mapping[str, Setting]) -> bool:
    """Does another file need another form?"""
    if one.name not in Form._fields or one.name not in settings:
        return False
    before = settings[one.name].value
    return not isinstance(before, dict) or any(one.value.get(name) != value for name, value in before.items())


def _joined(before: Setting | None, one: Setting) -> Setting:
    return one if before is None else Setting(one.name, one.value, f"{before.why}; {one.why}")


def _look(paths: Sequence[str], config: SegmentationConfig, *, is_last: bool) -> tuple[Look, list[Setting]]:
    """Look once, and say which settings would read more."""
    with TemporaryDirectory(prefix="segmentation-") as folder:
        task = Task("csv", paths, folder)
        choice = choose(config, task, None)
        look = Look(f"{choice.name}, because {choice.why}")
        engine = open_engine(choice, config, task, None, progress_bar=False)
        try:
            engine.check(list(paths))
            return look, _looked(engine, paths, config, look, folder, is_last)
        finally:
            engine.close()


def _looked(
    engine: Engine, paths: Sequence[str], config: SegmentationConfig, look: Look, folder: str, is_last: bool
) -> list[Setting]:
    form = form_of(config)
    files = find(engine.files, paths)
    better = list(settings_of_layouts(engine, files, form, look))
    if look.error:
        return better
    with engine.reading():
        segmentation_of(config).check(lambda schema: engine.rows([], schema))
        raw = read_csv(engine, files, form, join(folder, "text"))
        engine.fit_to(raw.size)
        rows = _settled(engine, raw, config, folder)
        look.found = rows.found
        look.examples = _examples(engine, rows, raw)
        _judge(look, rows, config, paths)
        if config.inputs and not look.error:
            _look_beside(engine, rows, config, look, folder)
        if Reason.MALFORMED_ROW in rows.found.rejected_by_reason:
            broken = _with_broken_bytes(engine, rows, raw)
            better = settings_of_bytes(engine, [file for file in files if readable(file.uri) == broken], form)
            if better:
                return better
        advice = Advice(rows.rows, rows.found, config)
        better = list(advice.settings())
        if not better or is_last:
            look.notes += [*advice.notes(), *notes_on_headers(look, config)]
    return [] if is_last else better


def _settled(engine: Engine, raw: RawRows, config: SegmentationConfig, folder: str) -> Settled:
    today = config.day_of(datetime.now(UTC))
    labelled = label_rows(raw.frame, config, today, by_pattern=engine.matches_cheaply, rates=rates_of(engine, config))
    kept = _kept(engine, labelled, join(folder, "purchases"), is_local=all(map(local_path, raw.names)))
    return settled(engine, kept, config, fixed_as_of(config, today), folder)


def _kept(engine: Engine, labelled: DataFrame, folder: str, *, is_local: bool) -> DataFrame:
    """In a file, as a run does; where executors on other machines would not see it, in memory."""
    return engine.stage(labelled, folder) if is_local else engine.keep(labelled, folder)


def _judge(look: Look, rows: Settled, config: SegmentationConfig, paths: Sequence[str]) -> None:
    try:
        refuse_nothing(rows.found, paths)
        enforce_gate(rows.found, config.max_rejected_ratio)
        rows.days(str(config.as_of))
    except SegmentationError as error:
        look.fail(error)


def _look_beside(engine: Engine, rows: Settled, config: SegmentationConfig, look: Look, folder: str) -> None:
    """At second inputs."""
    as_of = fixed_as_of(config, config.day_of(datetime.now(UTC))) or rows.days(str(config.as_of))[1]
    buyers = rows.used(as_of).where(F.col(AMOUNT) >= 0).select(CUSTOMER_ID).distinct()
    try:
        read = read_inputs(engine, config, folder)
        look.inputs = read.told
        read.refuse_broken(config)
        look.notes += read.count(config, buyers, as_of)
        look.inputs = read.told
    except SegmentationError as error:
        look.fail(error)


def _with_broken_bytes(engine: Engine, rows: Settled, raw: RawRows) -> str | None:
    """A file with a row that has bytes its encoding does not have."""
    found = _rejected(engine, rows, raw).where(F.col(RAW_RECORD).contains(REPLACED)).limit(1).collect()
    return found[0][SOURCE] if found else None


def _rejected(engine: Engine, rows: Settled, raw: RawRows) -> DataFrame:
    rejected = tables.rejected_rows(engine, rows.rows, raw.names, "", F.lit(None).cast("timestamp"))
    return rejected.select(SOURCE, RAW_RECORD, *PURCHASE_COLUMNS, REASONS)


def _examples(engine: Engine, rows: Settled, raw: RawRows) -> dict[str, list[dict[str, Any]]]:
    """Per reason a few rows that have it."""
    shown = _rejected(engine, rows, raw)
    return {
        reason: [
            row.asDict() for row in shown.where(F.array_contains(REASONS, F.lit(reason))).limit(EXAMPLES).collect()
        ]
        for reason in rows.found.rejected_by_reason
    }
