"""Is a new publication like those before it? Told before it is published, from numbers of all customers together.

The population stability index of a dimension is the sum over its labels of (p - q) ln(p / q), p and q the shares of
customers before and now; below 0.1 nothing has changed, above 0.25 much has (N. Siddiqi, Credit Risk Scorecards, 2006).
Half a customer is added to each label, so that none has a share of zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from segmentation.config.unattended import MonitoringConfig
from segmentation.core.quality import Profile
from segmentation.errors import QualityGateError
from segmentation.run.segments import Segments

# The weight of a run in what is usual.
WEIGHT = 0.1
# Rows below which a share of rejected ones says nothing, and by how much it must grow.
FEW_ROWS, GROWTH, STEP = 100, 2.0, 0.01
ADDED_UP = ("customers", "purchases", "spend")
Numbers = Mapping[str, Any]
Counts = Mapping[str, float]


def numbers_of(segments: Segments, found: Profile) -> dict[str, Any]:
    """What is compared, JSON-serialisable; the commit of the customers keeps it."""
    return {
        "customers": segments.total_customers,
        "purchases": segments.purchases,
        "spend": float(segments.spend),
        "labels": segments.labels,
        "rejected": found.rows_rejected / found.rows_read if found.rows_read else 0.0,
    }


class Shift:
    """A publication beside the one before it, and beside what is usual.

    Args:
        config: what is unusual, and what is refused.
        before: what the commit of the publication before said.
        now: `numbers_of` the new one.
        is_meant: other rules led to it, or somebody accepts it: nothing is refused, and it is usual from now on.
    """

    def __init__(self, config: MonitoringConfig, before: Mapping[str, Any], now: Numbers, *, is_meant: bool) -> None:
        self.config = config
        self.is_meant = is_meant
        self.now = now
        self.usual = before.get("usual") or {}
        known = before.get("numbers") or {}
        is_enough = min(now["customers"], known.get("customers", 0)) >= config.min_customers
        sizes = [*_shifts(known, self.usual, now), *_drops(known, now)] if is_enough else []
        self.found = [(size, sentence) for size, sentence in sizes if size > config.warn_above]

    def told(self, rows_read: int, newest: date | None, today: date) -> list[str]:
        """What is unusual, a sentence each.

        Args:
            rows_read: by this run.
            newest: the day of the newest purchase, None where that is not asked.
            today: the day of the run.
        """
        told = [sentence for _, sentence in self.found]
        share, usually = self.now["rejected"], self.usual.get("rejected")
        if usually is not None and rows_read >= FEW_ROWS and share > max(GROWTH * usually, usually + STEP):
            told.append(f"rejected rows: {share:.1%} of those read, usually {usually:.1%}")
        limit = self.config.newest_purchase_within_days
        if newest and limit is not None and (today - newest).days > limit:
            days = (today - newest).days
            told.append(f"the newest purchase is of {newest}, {days} days ago; expected within {limit} days")
        return told

    def refuse(self) -> None:
        """Refuse what is too unlike what was published, once it is known what is usual.

        Raises:
            QualityGateError: it is; nothing was published.
        """
        limit = self.config.refuse_above
        worst = [sentence for size, sentence in self.found if limit is not None and size > limit]
        if worst and not self.is_meant and self.usual.get("runs", 0) >= self.config.baseline_runs:
            raise QualityGateError(
                f"what would be published is too unlike what was: {'; '.join(worst)}. monitoring.refuse_above allows "
                f"{limit}. The publication before stays. If this is right, run once with --accept-shift."
            )

    @property
    def said(self) -> dict[str, Any]:
        """For the commit: the numbers, and what is usual once they are published, averages in which each run counts a
        little less than the one after.
        """
        now, usual = self.now, self.usual
        if {*usual.get("labels", {})} != {*now["labels"]}:
            return {"numbers": now, "usual": {"runs": 1, "labels": now["labels"], "rejected": now["rejected"]}}
        if self.is_meant:
            again = {"runs": usual["runs"] + 1, "labels": now["labels"], "rejected": now["rejected"]}
            return {"numbers": now, "usual": again}
        mixed = {
            "runs": usual["runs"] + 1,
            "labels": {name: _mixed(usual["labels"][name], labels) for name, labels in now["labels"].items()},
            "rejected": _mix(usual["rejected"], now["rejected"]),
        }
        return {"numbers": now, "usual": mixed}


def population_stability(before: Counts, now: Counts) -> float:
    """The index of one dimension, from customers by label."""
    labels = {*before, *now}
    p, q = (_shares({one: of.get(one, 0) + 0.5 for one in labels}) for of in (before, now))
    return sum((q[one] - p[one]) * math.log(q[one] / p[one]) for one in labels)


def _shifts(before: Numbers, usual: Mapping[str, Any], now: Numbers) -> Iterator[tuple[float, str]]:
    for name, counts in now["labels"].items():
        for when, others in (("at the run before", before["labels"]), ("usually", usual.get("labels", {}))):
            if name in others:
                index = population_stability(others[name], counts)
                yield index, f"{name}: {_largest(others[name], counts, when)} (shift {index:.2f})"


def _largest(before: Counts, now: Counts, when: str) -> str:
    """The label whose share changed most."""
    was, is_ = _shares(before), _shares(now)
    label = max(sorted({*was, *is_}), key=lambda one: abs(is_.get(one, 0) - was.get(one, 0)))
    return f"{label} has {is_.get(label, 0):.1%} of the customers, {was.get(label, 0):.1%} {when}"


def _drops(before: Numbers, now: Numbers) -> Iterator[tuple[float, str]]:
    for name in ADDED_UP:
        if before[name] > 0:
            drop = 1 - now[name] / before[name]
            yield drop, f"{name}: {now[name]:,.0f}, {before[name]:,.0f} at the run before ({-drop:+.1%})"


def _shares(counts: Counts) -> dict[str, float]:
    total = max(sum(counts.values()), 1)
    return {label: count / total for label, count in counts.items()}


def _mix(before: float, now: float) -> float:
    return (1 - WEIGHT) * before + WEIGHT * now


def _mixed(before: Counts, now: Counts) -> dict[str, float]:
    """By shares, so that a shop that grows does not forget the sooner; of as many customers as there are now."""
    was, is_, total = _shares(before), _shares(now), sum(now.values())
    return {one: round(total * _mix(was.get(one, 0), is_.get(one, 0)), 3) for one in {**was, **is_}}
