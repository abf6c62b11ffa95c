"""What the routes share: the publications, the desk, and what a request asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.console import LOGGER
from segmentation.errors import SegmentationError
from segmentation.serving import questions
from segmentation.serving.answers import Problem
from segmentation.serving.desk import BusyError, Desk
from segmentation.serving.publications import Publication, Publications

# Answers that are kept: the combinations of three dimensions, of a few publications.
CROSSED = 64


@dataclass(frozen=True)
class Service:
    """One worker's.

    Attributes:
        config: limits, and the time zone of days.
        publications: what is published.
        desk: asks tables.
    """

    config: SegmentationConfig
    publications: Publications
    desk: Desk
    _crossed: dict[tuple[str, ...], list[Mapping[str, Any]]] = field(default_factory=dict)

    async def ask(self, question: Any, *about: object) -> Any:
        """What a function of `questions` answers on this output.

        Raises:
            Problem: no answer came in time.
        """
        try:
            return await self.desk.ask(question, self.publications.output, *about)
        except BusyError:
            raise Problem(503, "Too much is asked at once. Try again in a moment.", retry_after="1") from None
        except (SegmentationError, OSError) as error:
            # With paths of this machine in it, as a rule.
            LOGGER.error("A question cannot be answered: %s", error)
            raise Problem(503, "The tables do not fit the configuration here; the server's log says more.") from None

    async def crossed(self, publication: Publication, by: tuple[str, ...]) -> list[Mapping[str, Any]]:
        """Customers by the labels of some dimensions; of a publication, they are counted once."""
        key = (publication.version, *by)
        if key not in self._crossed:
            found = await self.ask(questions.crossed, publication.said, by)
            if len(self._crossed) >= CROSSED:
                self._crossed.clear()
            self._crossed[key] = found
        return self._crossed[key]

    def moment(self, text: str, asked_as: str = "changed_since") -> str:
        """A moment in UTC: of a day, its beginning in the configured time zone.

        Raises:
            Problem: it is none.
        """
        try:
            day = date.fromisoformat(text) if len(text) == len("2024-06-30") else None
            moment = datetime.combine(day, time(), self.config.zone) if day else datetime.fromisoformat(text)
            told = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        except (ValueError, OverflowError):
            moment = None
        # Of a time without its offset, nobody knows when it was.
        if moment is None or moment.tzinfo is None:
            forms = "a day like 2024-06-30 or a time like 2024-06-30T12:00:00Z"
            raise Problem(400, f"{asked_as}: expected {forms}, found {text!r}")
        return told
