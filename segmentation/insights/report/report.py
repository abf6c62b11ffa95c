"""The report of a publication, written beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from segmentation.core.segmentation import Segmentation
from segmentation.errors import ConfigError, install
from segmentation.insights.reader import reader
from segmentation.insights.report import over_time, page, sections, trust
from segmentation.insights.report.facts import Facts, facts
from segmentation.insights.report.parts import Section
from segmentation.local_files import whole_or_not_at_all
from segmentation.state.output import Output

TITLE = "Customer segments"


def report(segmentation: Segmentation, output: Output) -> list[Path]:
    """Write the report as a page and as Markdown; readers see the old one or the new one.

    Args:
        segmentation: the rules, as they are published.
        output: what was published, and where the report is written.

    Returns:
        The page, and its twin.

    Raises:
        ConfigError: nothing is published, it is not on this machine, what draws is not installed, or it cannot be
            written.
    """
    with reader(segmentation.config, output) as (engine, folder):
        found = facts(segmentation, engine, output, folder)
    told = told_by(found, segmentation.config.report_actions)
    head = TITLE, found.as_of.isoformat(), str(found.run.get("run_id", ""))
    try:
        texts = {
            output.report_file: page.html(*head, told),
            output.report_text: "\n".join(page.markdown(*head, told)) + "\n",
        }
    except ImportError as error:
        raise ConfigError(f"The report needs {error.name}: {install('report')}.") from error
    return [_written(Path(target), text) for target, text in texts.items()]


def told_by(found: Facts, actions: Mapping[str, str]) -> list[Section]:
    """All sections, in the order of a reader's questions."""
    return [
        sections.headline(found),
        sections.labels(found),
        sections.moves(found),
        sections.crossed(found),
        over_time.sales(found),
        over_time.made_of(found),
        over_time.cohorts(found),
        sections.distributions(found),
        sections.concentration(found),
        trust.quality(found),
        trust.rules(found, actions),
    ]


def _written(target: Path, text: str) -> Path:
    try:
        with whole_or_not_at_all(target) as hidden:
            hidden.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The report {target} cannot be written: {error.strerror}.") from error
    return target
