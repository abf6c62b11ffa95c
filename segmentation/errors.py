"""What can go wrong, each with the exit code of the contract and a message for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

# How much alike two names are, from 0 to 1, of which one is taken for a slip of the other.
CLOSE = 0.55


class SegmentationError(Exception):
    """Base of every error that is reported as one message, not as a traceback.

    The message says what was expected, what was found and what to do.
    """

    exit_code: ClassVar[int] = 1


class ConfigError(SegmentationError):
    """A setting or an option is unknown, impossible or missing."""

    exit_code = 2


class UnknownNameError(ConfigError):
    """An expression looks at what is not there."""


class RuleError(ConfigError):
    """A rule or a dimension is ill-formed; raised when it is built, before any data is read."""


class ScheduleError(ConfigError):
    """A schedule cannot be used, installed or read."""


class SourceError(SegmentationError):
    """The source cannot be reached or read."""

    exit_code = 3


class NoDataError(SourceError):
    """There is nothing to segment."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"No data found: {detail}")


class MissingColumnsError(SourceError):
    """A file or collection lacks columns that the job needs."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"Missing required columns: {detail}")


class QualityGateError(SegmentationError):
    """The input is worse than the configuration allows; nothing was published."""

    exit_code = 4


class DamagedOutputError(SegmentationError):
    """What was published is not whole any more; nothing was written."""


class OutputBusyError(SegmentationError):
    """Another run holds the output."""

    exit_code = 5


class RunTimeoutError(SegmentationError):
    """A run took longer than it may."""


def install(extra: str) -> str:
    """The command that installs what an optional part needs, for a message."""
    return f"pip install 'customer-segmentation[{extra}]'"


def close_to(name: str, known: Iterable[str]) -> str:
    """``, did you mean ...?`` where something is nearly called like that, else nothing."""
    lower = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), list(lower), 1, CLOSE)
    return f", did you mean {lower[close[0]]!r}?" if close else ""


def among(name: str, known: Iterable[str], what: str) -> str:
    """What there is in place of a name that is not there, and what is near; `what` introduces it, as in ``It has``."""
    every = [*known]
    near = close_to(name, every)
    return f"{near or '.'} {what} {', '.join(every) or 'none'}"
