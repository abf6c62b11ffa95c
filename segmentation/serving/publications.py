"""What is published now, and what was a moment ago: noticed, opened whole, and swapped in one step."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from segmentation.console import LOGGER
from segmentation.engines.local import LocalFiles
from segmentation.errors import ConfigError, NoDataError, SourceError
from segmentation.serving.export import Export
from segmentation.state.commits import Commit, commits
from segmentation.state.output import Output

# Of what was published before, so many at most stay open for listings that began with them.
KEPT = 16


@dataclass(frozen=True)
class Publication:
    """One publication, whole and unchanging.

    Attributes:
        export: its elements.
        commit: of the table of customers, that decided it.
    """

    export: Export
    commit: Commit

    @property
    def version(self) -> str:
        """What it is called: the run that published it, and the version of the table of customers."""
        return f"{self.said['run_id']}.{self.commit.version}"

    @property
    def at(self) -> str:
        """When it was published."""
        return datetime.fromtimestamp(self.commit.at / 1000, UTC).isoformat(timespec="seconds")

    @property
    def said(self) -> Mapping[str, Any]:
        """What its run said of it."""
        return self.commit.said

    @property
    def labels(self) -> Mapping[str, Mapping[str, int]]:
        """Customers by dimension and label; of publications by old versions of the program, no labels."""
        known = self.said.get("numbers", {}).get("labels", {})
        return {name: known.get(name, {}) for name in self.said["dimensions"]}


class Publications:
    """The publications of an output of this machine.

    Args:
        output: where they are published.
        keep_seconds: how long one that was replaced can still be asked for.

    Raises:
        ConfigError: it is elsewhere.
        NoDataError: nothing is published.
    """

    def __init__(self, output: Output, keep_seconds: float) -> None:
        if output.local is None:
            raise ConfigError(
                f"{output.root} is not on this machine, and segmentation serve reads local files. Mount it, or copy it "
                "to this machine after each run (docs/serving.md)."
            )
        self.output = output
        self._keep_seconds = keep_seconds
        self._lock = Lock()
        self._known: list[Publication] = []
        self._replaced_at: dict[str, float] = {}
        self._complained: tuple[int, ...] | None = None
        if not self.refresh():
            raise NoDataError(
                f"{output.json_file} is not there, or its table of customers is not. Run segmentation run first, or "
                "check --output-dir and --config."
            )

    @property
    def current(self) -> Publication:
        """What is published now."""
        return self._known[-1]

    def named(self, version: str) -> Publication | None:
        """The publication of a version, None where it is not known, or not any more."""
        if self.current.version != version:
            self.refresh()
        return next((one for one in self._known if one.version == version), None)

    def refresh(self) -> bool:
        """Look whether something else is published; let go of what was replaced long ago.

        Returns:
            Is there something to serve?
        """
        with self._lock:
            if not self._known or self._has_changed():
                self._open()
            self._let_go()
            return bool(self._known)

    def _has_changed(self) -> bool:
        try:
            return _identity(self._seen()) != _identity(self.current.export.stat)
        except OSError:
            # Whoever removes it publishes nothing else.
            return False

    def _seen(self) -> os.stat_result:
        return os.stat(self.output.json_file)  # noqa: PTH116

    def _open(self) -> None:
        try:
            export = Export(Path(self.output.json_file))
            commit = _commit_of(export, self.output)
            # Was it replaced meanwhile, the next look finds the other.
            is_current = _identity(self._seen()) == _identity(export.stat)
        except (OSError, SourceError):
            return
        if commit and is_current and export.is_whole:
            self._swap(Publication(export, commit))
        elif is_current and self._complained != (told := _identity(export.stat)):
            self._complained = told
            LOGGER.warning("%s is not whole, or no table is with it: it is not served.", self.output.json_file)

    def _swap(self, to: Publication) -> None:
        if self._known:
            self._replaced_at[self.current.version] = time.monotonic()
        # One step: whoever asks for what is current has the one before or this one.
        self._known = [*(one for one in self._known if one.version != to.version), to]
        LOGGER.info("Serving run %s, as of %s", to.version, to.said["as_of"])

    def _let_go(self) -> None:
        oldest = time.monotonic() - self._keep_seconds
        known = self._known[-KEPT:]
        before = [one for one in known[:-1] if self._replaced_at.get(one.version, 0.0) > oldest]
        self._known = [*before, *known[-1:]]
        self._replaced_at = {one.version: self._replaced_at[one.version] for one in before}


def _commit_of(export: Export, output: Output) -> Commit | None:
    """The commit that an export belongs to: the last one made before it took its place.

    A run commits the customers first and lets the export take its place after; if it dies in between, the export is
    still that of the publication before.
    """
    placed = export.stat.st_ctime_ns
    log = Path(output.segments) / "_delta_log"
    newest = None
    for commit in commits(LocalFiles(), output.segments):
        if (log / f"{commit.version:020d}.json").stat().st_mtime_ns <= placed:
            return commit
        newest = newest or commit
    # All was copied here, the export first.
    return newest


def _identity(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
