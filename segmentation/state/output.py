"""Where everything lies under `output_dir`, and the lock that keeps a second run away."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.errors import ConfigError, OutputBusyError
from segmentation.local_files import folders_read
from segmentation.locations import is_inside, join, local_path


@dataclass(frozen=True)
class Output:
    """The paths of the contract's section 6."""

    root: str
    filename: str

    @classmethod
    def of(cls, config: SegmentationConfig) -> Output:
        """The output of a configuration; a relative directory counts from where the job was started."""
        here = local_path(config.output_dir)
        return cls(str(here.absolute()) if here else config.output_dir, config.output_filename)

    def named(self, said: Mapping[str, Any]) -> Output:
        """The same, with the name that the export of a publication has, by what its commit says."""
        return replace(self, filename=said.get("export", self.filename))

    @property
    def local(self) -> Path | None:
        """The directory, if it is a local one."""
        return local_path(self.root)

    @property
    def json_file(self) -> str:
        """The export for applications."""
        return join(self.root, self.filename)

    @property
    def segments(self) -> str:
        """The Delta table of customers."""
        return join(self.root, "delta", "customer_segments")

    @property
    def rejected(self) -> str:
        """The Delta table of rejected rows."""
        return join(self.root, "delta", "rejected_purchases")

    @property
    def changes_file(self) -> str:
        """The elements of the export whose labels changed in the last run."""
        name, mark, ending = self.filename.rpartition(".")
        return join(self.root, f"{name}.changes.{ending}" if mark else f"{ending}.changes")

    @property
    def changes(self) -> str:
        """The Delta table of changed labels."""
        return join(self.root, "delta", "segment_changes")

    @property
    def purchases(self) -> str:
        """The Delta table of purchases, which incremental runs go on from."""
        return join(self.root, "delta", "purchases")

    @property
    def early(self) -> str:
        """The Delta table of purchases whose day has not come yet."""
        return join(self.root, "delta", "future_purchases")

    @property
    def runs(self) -> str:
        """The Delta table of runs."""
        return join(self.root, "delta", "runs")

    @property
    def erasures(self) -> str:
        """The Delta table of what was erased, which names nobody."""
        return join(self.root, "delta", "erasures")

    @property
    def tables(self) -> tuple[str, ...]:
        """All of these; not every output holds each."""
        told = (self.segments, self.changes, self.purchases, self.early, self.rejected, self.runs)
        return (*told, self.erasures)

    @property
    def staging(self) -> str:
        """What runs keep while they work, a directory a run; hidden from readers of the output."""
        return join(self.root, ".staging")

    @property
    def lock_file(self) -> str:
        """Who holds the output; hidden from its readers."""
        return join(self.root, ".segmentation.lock")

    @property
    def log_file(self) -> Path | None:
        """The log; object stores cannot append, so only a local output has one."""
        return self.local / "segmentation_runs.log" if self.local else None

    @property
    def status_file(self) -> Path | None:
        """The state of automated running, read without a JVM, so only for a local output."""
        return self.local / "automation_status.json" if self.local else None

    @property
    def report_file(self) -> str:
        """The report, as a page."""
        return join(self.root, "segmentation_report.html")

    @property
    def report_text(self) -> str:
        """The same as text."""
        return join(self.root, "segmentation_report.md")

    @property
    def results_file(self) -> str:
        """All that is known of the last run."""
        return join(self.root, "run_results.json")

    @property
    def metrics_file(self) -> str:
        """The last successful run, for Prometheus."""
        return join(self.root, "segmentation_metrics.prom")

    @property
    def sales_file(self) -> str:
        """What the report says of single months; hidden from readers of the output."""
        return join(self.root, ".sales.json")

    def create(self) -> None:
        """Make the directory, and see that it can be written to.

        Raises:
            ConfigError: it cannot.
        """
        if self.local is None:
            return
        try:
            self.local.mkdir(parents=True, exist_ok=True)
            # Whoever ran it as somebody else may have left these.
            for file in (Path(self.lock_file), self.log_file):
                if file:
                    file.open("a").close()
            if not os.access(self.local, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise ConfigError(
                f"The output directory {self.local} cannot be written to: {error.strerror}. "
                "Name another one with --output-dir, or mend its permissions."
            ) from None

    def refuse_inside(self, locations: Sequence[str]) -> None:
        """See that the output does not lie in a folder that is read, which would read it as input the next time.

        Raises:
            ConfigError: it does.
        """
        for folder in folders_read(locations):
            if is_inside(self.root, folder):
                raise ConfigError(
                    f"The output {self.root} lies inside the input {folder}, and would be read as input by the next "
                    "run: name another directory with --output-dir."
                )

    @contextmanager
    def locked(self, patience: float = 0.2) -> Iterator[None]:
        """Hold a local output for one run; the operating system lets go when the process dies, however it dies.

        Others are held by a `Lease`, which needs Spark.

        Args:
            patience: seconds to wait for it.

        Raises:
            OutputBusyError: another run holds it.
        """
        if self.local is None:
            yield
            return
        from filelock import FileLock, Timeout

        # Whoever only asks whether a run is at work holds it for a moment.
        lock = FileLock(self.lock_file, timeout=patience)
        try:
            lock.acquire()
        except Timeout:
            raise OutputBusyError(
                f"Another run holds {self.local}. Wait until it has ended, or give this run another --output-dir."
            ) from None
        try:
            yield
        finally:
            lock.release()
