"""The log of one run: a line an event with time, level and run id, as text or as JSON, and how long its steps took."""

from __future__ import annotations

import json
import logging
import logging.handlers
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segmentation.config.unattended import LogConfig
from segmentation.console import LINE, LOGGER


class _RunFormatter(logging.Formatter):
    """``time level run_id message``, the time in UTC; a secret in a message or traceback is struck out."""

    def __init__(self, run_id: str, secrets: Sequence[str]) -> None:
        # Not from the record: of two runs in one process, each has its own file.
        super().__init__(LINE.replace("%(run_id)s", run_id))
        self.run_id = run_id
        self._secrets = sorted(secrets, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback if there is one."""
        return self.masked(super().format(record))

    def masked(self, text: str) -> str:
        """`text` with its secrets struck out."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """ISO 8601 with milliseconds."""
        return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class _JsonFormatter(_RunFormatter):
    """The same as an object a line, a traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        told = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "run_id": self.run_id,
            "message": self.masked(record.getMessage()),
            **({"traceback": self.masked(self.formatException(record.exc_info))} if record.exc_info else {}),
        }
        return json.dumps(told, ensure_ascii=False)


FORMATTERS = {"text": _RunFormatter, "json": _JsonFormatter}


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log that cannot be written to, on a full disk for one, does not fill the terminal with its complaints."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """The run itself meets the same disk, and says so."""


class Reporter:
    """Logs the steps of one run and keeps what there is to say of each."""

    def __init__(self, run_id: str, log_file: Path | None, secrets: Sequence[str], how: LogConfig) -> None:
        self.run_id = run_id
        self.steps: list[dict[str, Any]] = []
        self._formatter = FORMATTERS[how.format](run_id, secrets)
        size = int(how.max_megabytes * 1_000_000)
        self._file = _LogFile(log_file, maxBytes=size, backupCount=how.keep, encoding="utf-8") if log_file else None
        if self._file:
            self._file.setFormatter(self._formatter)
            self._file.setLevel(logging.DEBUG)
            LOGGER.addHandler(self._file)
        LOGGER.addFilter(self._named)
        # Whoever asked Python for more gets it.
        if LOGGER.level == logging.NOTSET and LOGGER.getEffectiveLevel() > logging.INFO:
            LOGGER.setLevel(logging.INFO)

    def _named(self, record: logging.LogRecord) -> bool:
        """Every line, wherever it goes, knows its run."""
        record.run_id = self.run_id
        return True

    def close(self) -> None:
        """Let go of the log file."""
        LOGGER.removeFilter(self._named)
        if self._file:
            LOGGER.removeHandler(self._file)
            self._file.close()

    def masked(self, text: str) -> str:
        """`text` with the run's secrets struck out."""
        return self._formatter.masked(text)

    def info(self, message: str) -> None:
        """One event."""
        LOGGER.info(message)

    def debug(self, message: str) -> None:
        """One event that few want to see."""
        LOGGER.debug(message)

    def failed(self, error: BaseException, with_traceback: bool) -> None:
        """To the log alone: whoever started the run gets the error itself, and shows it once.

        Where there is no log file, the traceback goes where all lines go.
        """
        info = (type(error), error, error.__traceback__)
        if self._file:
            failure = (LOGGER.name, logging.ERROR, "", 0, "Run failed: %s", (error,), info if with_traceback else None)
            self._file.handle(LOGGER.makeRecord(*failure))
        elif with_traceback:
            LOGGER.error("Run failed: %s", self.masked(self._formatter.formatException(info)))

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a step and log its end with the counts that it puts into the dict."""
        counts: dict[str, Any] = {}
        started = time.perf_counter()
        told = {"name": name, "started_at": datetime.now(UTC), "seconds": None, "counts": counts, "outcome": "failed"}
        self.steps.append(told)
        LOGGER.debug("%s ...", name)
        try:
            yield counts
            told["outcome"] = "succeeded"
        finally:
            seconds = time.perf_counter() - started
            told["seconds"] = round(seconds, 3)
        detail = ", ".join(f"{key} {_number(value)}" for key, value in counts.items())
        LOGGER.info("%s%s (%.1f s)", name, f": {detail}" if detail else "", seconds)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
