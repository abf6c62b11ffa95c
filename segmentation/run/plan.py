"""What a run has to read: everything, or only what is new since an earlier one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from segmentation.console import LOGGER
from segmentation.engines.base import Engine
from segmentation.engines.stores import StoredFile
from segmentation.errors import NoDataError
from segmentation.locations import DELTA_LOG, absolute, join, readable, text_size
from segmentation.run.request import Request
from segmentation.sources.csv import find, real_name
from segmentation.sources.own import told_by
from segmentation.sources.tables import name_of
from segmentation.state.units import Unit, fingerprint_of

# Of what is kept between incremental runs; an older one is rebuilt, a newer one as well.
LAYOUT = 1


class Outdated(Exception):  # noqa: N818 - not an error but a turn that a run takes
    """What was taken in does not hold any more: everything must be read again."""


@dataclass(frozen=True)
class Plan:
    """What a run reads, and what it may rely on.

    Attributes:
        known: may it go on from the purchases that earlier runs took in?
        files: the CSV files to read.
        reads: is there anything to read?
        again: names of files and tables among them that earlier runs took in.
        state: what the next run must know, None where this is no incremental one.
        high: of a collection, what `RawRows.high` was, None to read all.
        paths: all that was named, by this run and by those that it goes on from.
    """

    known: bool
    files: Sequence[StoredFile]
    reads: bool = True
    again: Sequence[str] = ()
    state: Mapping[str, Any] | None = None
    high: Any = None
    paths: Sequence[str] = ()

    @property
    def size(self) -> int:
        """About how many bytes of text there are, with what earlier runs took in."""
        units = (Unit(*one) for one in (self.state or {}).get("units", ()))
        return sum(text_size(unit.name, max(unit.size, 0)) for unit in units)


@dataclass(frozen=True)
class Planner:
    """Decides what a run reads.

    Args:
        engine: lists.
        request: what was asked for.
        said: what was said of the last publication.
        rules: what purchases are read and labelled by.
        today: the day of the run.
        started_at: the same as nanoseconds.
        partly: does the source itself tell what is new?
        is_kept: tells whether the tables are there that the last run left for this one; asked only where that matters.
    """

    engine: Engine
    request: Request
    said: Mapping[str, Any]
    rules: str
    today: date
    started_at: int
    partly: bool
    is_kept: Callable[[], bool]
    _before: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_before", self.said.get("state") or {})

    def plan(self) -> Plan:
        """What to read."""
        if self.request.mode == "full":
            files = self._files(self.request.paths) if self.request.source == "csv" else ()
            return Plan(known=False, files=files, paths=self._named())
        why = self._why_rebuild()
        if why is not None:
            return self.rebuild(why)
        units, files = self._units(self.request.paths)
        before = {unit.real: unit for unit in self._units_before()}
        gone = [unit.name for real, unit in before.items() if real not in units and not _is_there(unit)]
        shrunk = [unit.name for real, unit in units.items() if real in before and unit.size < before[real].size]
        for names, what in ((gone, "is gone"), (shrunk, "is shorter")):
            if names:
                return self.rebuild(f"{readable(min(names))} {what}")
        fresh = {real for real, unit in units.items() if real not in before or not unit.is_as_it_was(before[real])}
        known = {real: unit for real, unit in before.items() if real not in fresh}
        state = self._state({**before, **units}, known)
        LOGGER.info("Incremental: %d of %d files or tables are new or changed", len(fresh), len(units))
        high = self._before.get("high") if self.partly else None
        again = sorted(before[real].name for real in fresh if real in before) if high is None else []
        wanted = {units[real].name for real in fresh}
        to_read = [file for file in files if file.uri in wanted]
        return Plan(True, to_read, bool(fresh), again, state, high, self._named(self.said.get("paths", ())))

    def rebuild(self, why: str) -> Plan:
        """Read everything anew, also what was named by earlier runs alone."""
        LOGGER.info("Incremental: everything is read anew, because %s", why)
        goes_on = self.said.get("source") == self.request.source == "csv" and not self.request.force
        paths = self._named(self.said.get("paths", ())) if goes_on else self._named()
        try:
            units, files = self._units(paths)
        except NoDataError as error:
            if paths == self._named():
                raise
            raise NoDataError(
                f"everything must be read anew, because {why}, but what an earlier run has read is not there any more: "
                f"{error} To go on without it, run with --force, which reads only what you name."
            ) from error
        return Plan(False, files, state=self._state(units, {}), paths=paths)

    def _named(self, earlier: Sequence[str] = ()) -> list[str]:
        """What is named now and was named before, wherever the job is started from."""
        now = map(absolute, self.request.paths) if self.request.source == "csv" else self.request.paths
        return list(dict.fromkeys([*now, *earlier]))

    def _why_rebuild(self) -> str | None:
        before = self._before
        if self.request.force:
            return "--force says so"
        if not self.said:
            return "nothing is published yet"
        if not before:
            return "the last run was none of mode incremental"
        if before.get("layout") != LAYOUT:
            return "another version of the program kept it in another form"
        if self.said["source"] != self.request.source:
            return "the source is another one"
        if self.request.source != "csv" and list(self.said["paths"]) != self.request.paths:
            return "the table or collection is another one"
        if self.said["rules"] != self.rules:
            return "the configuration or the program's rules changed"
        if before["day"] > self.today.isoformat():
            return f"the last run was on {before['day']}, after today"
        return None if self.is_kept() else "what earlier runs kept is not there any more, or not as they left it"

    def _units_before(self) -> list[Unit]:
        return [Unit(*one) for one in self._before.get("units", ())]

    def _state(self, units: Mapping[str, Unit], known: Mapping[str, Unit]) -> dict[str, Any]:
        # What is known has been looked at; its name and times may be others by now.
        looked_at = [
            replace(unit, digest=known[real].digest, name=known[real].name) if real in known else unit.with_digest()
            for real, unit in units.items()
        ]
        return {
            "layout": LAYOUT,
            "day": self.today.isoformat(),
            "units": [unit.as_json() for unit in looked_at],
        }

    def _units(self, paths: Sequence[str]) -> tuple[dict[str, Unit], list[StoredFile]]:
        """What paths stand for, by what is the same for all names of one, and the files among it."""
        if self.request.source == "csv":
            files = self._files(paths)
            units = (Unit.of_file(file, real_name(file), self.started_at) for file in files)
            return {unit.real: unit for unit in units}, files
        table = self.request.table
        (path,) = self.request.paths
        name = name_of(table) if table else path
        return {name: Unit(name, name, digest=self._fingerprint())}, []

    def _files(self, paths: Sequence[str]) -> list[StoredFile]:
        return find(self.engine.files, paths)

    def _fingerprint(self) -> str | None:
        """Of a table or a source of somebody's own, None where only reading tells."""
        if self.request.own:
            return told_by(self.request.own, self.request.source)
        table = self.request.table
        if table is None or table.is_name:
            return None
        log = join(table.place, DELTA_LOG)
        is_delta = self.engine.files.exists(log)
        return fingerprint_of(self.engine.files.files(log if is_delta else table.place))


def _is_there(unit: Unit) -> bool:
    """Is a file that was not named this time still where it was? Elsewhere than on this machine, nobody looks."""
    return unit.local is None or unit.local.exists()
