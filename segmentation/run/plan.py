"""What a run has to read: everything, or only what is new since an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from segmentation.console import LOGGER
from segmentation.engines.base import Engine, StoredFile
from segmentation.errors import NoDataError
from segmentation.locations import DELTA_LOG, join, readable, text_size
from segmentation.run.request import Request
from segmentation.sources.csv import find, real_name
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
    """

    known: bool
    files: Sequence[StoredFile]
    reads: bool = True
    again: Sequence[str] = ()
    state: Mapping[str, Any] | None = None
    high: Any = None

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
    """

    engine: Engine
    request: Request
    said: Mapping[str, Any]
    rules: str
    today: date
    started_at: int
    partly: bool
    _before: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_before", self.said.get("state") or {})

    def plan(self) -> Plan:
        """What to read."""
        if self.request.mode == "full":
            return Plan(known=False, files=self._files(self.request.paths) if self.request.source == "csv" else ())
        why = self._why_rebuild()
        if why is not None:
            return self.rebuild(why)
        units, files = self._units(self.request.paths)
        before = {unit.name: unit for unit in self._units_before()}
        gone = sorted(name for name, unit in before.items() if unit.path in self.request.paths and name not in units)
        shrunk = sorted(name for name, unit in units.items() if name in before and unit.size < before[name].size)
        for names, what in ((gone, "is gone"), (shrunk, "is shorter")):
            if names:
                return self.rebuild(f"{readable(names[0])} {what}")
        fresh = {name for name, unit in units.items() if not self._is_known(unit, before.get(name))}
        state = self._state({**before, **units}, {name: unit for name, unit in before.items() if name not in fresh})
        LOGGER.info("Incremental: %d of %d files or tables are new or changed", len(fresh), len(units))
        high = self._before.get("high") if self.partly else None
        again = sorted(name for name in fresh if name in before) if high is None else []
        return Plan(True, [file for file in files if file.uri in fresh], bool(fresh), again, state, high)

    def rebuild(self, why: str) -> Plan:
        """Read everything anew, also what was named by earlier runs alone."""
        LOGGER.info("Incremental: everything is read anew, because %s", why)
        goes_on = self._before.get("source") == self.request.source == "csv" and not self.request.force
        earlier = [unit.path for unit in self._units_before()] if goes_on else []
        paths = list(dict.fromkeys([*self.request.paths, *earlier]))
        try:
            units, files = self._units(paths)
        except NoDataError as error:
            if not set(paths) - set(self.request.paths):
                raise
            raise NoDataError(
                f"everything must be read anew, because {why}, but what an earlier run has read is not there any more: "
                f"{error} To go on without it, run with --force, which reads only what you name."
            ) from error
        return Plan(False, files, state=self._state(units, {}))

    def _why_rebuild(self) -> str | None:
        before = self._before
        checks = (
            (self.request.force, "--force says so"),
            (not self.said, "nothing is published yet"),
            (not before, "the last run was none of mode incremental"),
            (before.get("layout") != LAYOUT, "another version of the program kept it in another form"),
            (before.get("source") != self.request.source, "the source is another one"),
            (self._is_elsewhere(), "the table or collection is another one"),
            (self.said.get("rules") != self.rules, "the configuration or the program's rules changed"),
            (before.get("day", "") > self.today.isoformat(), f"the last run was on {before.get('day')}, after today"),
        )
        return next((why for is_so, why in checks if is_so), None)

    def _is_elsewhere(self) -> bool:
        return self.request.source != "csv" and {unit.path for unit in self._units_before()} != set(self.request.paths)

    def _units_before(self) -> list[Unit]:
        return [Unit(*one) for one in self._before.get("units", ())]

    def _is_known(self, unit: Unit, before: Unit | None) -> bool:
        return before is not None and unit.is_as_it_was(before, self._before["at"])

    def _state(self, units: Mapping[str, Unit], known: Mapping[str, Unit]) -> dict[str, Any]:
        # What is known has been looked at; its times may be others by now.
        looked_at = [
            Unit(unit.name, unit.path, unit.size, unit.modified, unit.changed, known[name].digest)
            if name in known
            else unit.with_digest()
            for name, unit in units.items()
        ]
        return {
            "layout": LAYOUT,
            "source": self.request.source,
            "day": self.today.isoformat(),
            "at": self.started_at,
            "units": [unit.as_json() for unit in looked_at],
        }

    def _units(self, paths: Iterable[str]) -> tuple[dict[str, Unit], list[StoredFile]]:
        """What paths stand for, by name, and the files among it."""
        if self.request.source == "csv":
            files = {file.uri: (file, path) for path in paths for file in self._files([path])}
            once = {real_name(file): (file, path) for file, path in reversed(files.values())}
            units = {file.uri: Unit.of_file(file, path) for file, path in reversed(once.values())}
            return units, [file for file, _ in reversed(once.values())]
        table = self.request.table
        (path,) = self.request.paths
        name = name_of(table) if table else path
        return {name: Unit(name, path, digest=self._fingerprint())}, []

    def _files(self, paths: Sequence[str]) -> list[StoredFile]:
        return find(self.engine.files, paths)

    def _fingerprint(self) -> str | None:
        """Of a table, None where only reading tells."""
        table = self.request.table
        if table is None or table.is_name:
            return None
        log = join(table.place, DELTA_LOG)
        is_delta = self.engine.files.exists(log)
        return fingerprint_of(self.engine.files.files(log if is_delta else table.place))
