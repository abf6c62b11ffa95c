"""Dimensions by configuration: new ones, and what becomes of those that are there already."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence

from segmentation.config import SegmentationConfig
from segmentation.config.own import DimensionSetting
from segmentation.core.own.calling import Calling
from segmentation.core.own.kinds import TEXT, Kind
from segmentation.core.own.names import at
from segmentation.core.own.order import looks_at, see_above
from segmentation.core.own.reach import unreachable
from segmentation.core.own.typed import Typed
from segmentation.core.rules import Rule
from segmentation.core.segmenters import Segmenter
from segmentation.errors import ConfigError, RuleError, close_to


class ConfiguredSegmenter(Segmenter):
    """A dimension that a configuration describes.

    Args:
        config: the configuration.
        name: of the dimension.
        conditions: the rules in their order; one without a condition is that of `base`.
        fallback: the label of whom no rule matches.
        base: the dimension that is changed, None for a new one.
    """

    def __init__(
        self,
        config: SegmentationConfig,
        name: str,
        conditions: Sequence[tuple[str, Typed | None]],
        fallback: str,
        base: Segmenter | None = None,
    ) -> None:
        super().__init__(config)
        self.dimension = name
        self._conditions = conditions
        self._fallback = fallback
        self._base = base

    def rules(self) -> list[Rule]:
        """As they are configured."""
        there = {rule.label: rule for rule in self._base.rules()} if self._base else {}
        lost = next((label for label, typed in self._conditions if typed is None and label not in there), None)
        if lost is not None:
            raise RuleError(f"Dimension {self.dimension} has no rule {lost!r}{close_to(lost, there) or ''}.")
        return [Rule(label, typed.build()) if typed else there[label] for label, typed in self._conditions]

    @property
    def rule_labels(self) -> tuple[str, ...]:
        """The labels of the rules."""
        return tuple(label for label, _ in self._conditions)

    @property
    def fallback(self) -> str:
        """As it is configured."""
        return self._fallback


Labels = Mapping[str, Sequence[str]]


def arranged(
    config: SegmentationConfig, there: Sequence[Segmenter], known: Mapping[str, Kind], labels: Labels
) -> list[Segmenter]:
    """The dimensions of a run: those that are there already, in front and in the order in which the configuration lists
    them, each where one of them stood; then the new ones.

    Args:
        config: what is said of dimensions.
        there: those that are there already.
        known: metrics and scores.
        labels: of scores that have labels, which.

    Raises:
        ConfigError: a dimension is wrong; naming where it stands, and why.
    """
    given = {one.name: (number, one) for number, one in enumerate(config.dimensions)}
    by_name = {one.dimension: one for one in there}
    listed = iter([name for name in given if name in by_name])
    names = [next(listed) if one.dimension in given else one.dimension for one in there]
    names += [name for name in given if name not in by_name]
    below = {name.lower(): _looks_at(given[name][1]) if name in given else set() for name in names}
    found: list[Segmenter] = []
    for name in names:
        below.pop(name.lower())
        if name not in given:
            found.append(by_name[name])
            continue
        entry = _Entry(config, *given[name], by_name.get(name))
        made = entry.segmenter(_language(known, labels, found), below)
        found += [made] if made else []
    if not found:
        raise ConfigError("dimensions: all are switched off; expected one at least.")
    return found


def _language(known: Mapping[str, Kind], labels: Labels, before: Sequence[Segmenter]) -> Calling:
    """What a rule may look at: metrics, scores, and the labels of dimensions before it."""
    theirs = {one.dimension: [*one.rule_labels, one.fallback] for one in before if one.rule_labels is not None}
    scope = {**known, **dict.fromkeys([one.dimension for one in before], TEXT)}
    return Calling(scope, "a customer", {**labels, **theirs})


def _looks_at(one: DimensionSetting) -> set[str]:
    try:
        return {name for rule in one.rules or () if rule.when for name in looks_at(rule.when)}
    except ConfigError:
        # It is told where it stands.
        return set()


class _Entry:
    """What a configuration says of one dimension.

    Args:
        config: the configuration.
        number: which one it is.
        setting: what is said.
        base: the dimension of this name that is there already.
    """

    def __init__(
        self, config: SegmentationConfig, number: int, setting: DimensionSetting, base: Segmenter | None
    ) -> None:
        self.config = config
        self.number = number
        self.setting = setting
        self.base = base

    def segmenter(self, language: Calling, below: Mapping[str, set[str]]) -> Segmenter | None:
        """The dimension, None where it is switched off."""
        setting, base = self.setting, self.base
        with at(self._place(), setting.name):
            self._see_it_is_whole()
        if not setting.enabled:
            return None
        if base and setting.rules is None and setting.otherwise is None:
            return copy.copy(base)
        conditions = list(self._conditions(language, below))
        fallback = setting.otherwise or (base.fallback if base else "")
        self._see_labels([label for label, _ in conditions], fallback)
        self._see_reach()
        return ConfiguredSegmenter(self.config, setting.name, conditions, fallback, base)

    def _place(self, *path: str | int) -> str:
        return self.config.place("dimensions", self.number, *path)

    def _see_it_is_whole(self) -> None:
        setting = self.setting
        if self.base is None and not setting.enabled:
            raise ConfigError("there is no dimension of this name that could be switched off")
        if self.base is None and (not setting.rules or not setting.otherwise):
            raise ConfigError("a new dimension needs rules, and otherwise: the label of those whom none matches")
        if self.base is not None and setting.rules is not None and not setting.rules:
            raise ConfigError("rules: expected one at least; enabled: false switches a dimension off")

    def _conditions(self, language: Calling, below: Mapping[str, set[str]]) -> Iterator[tuple[str, Typed | None]]:
        if self.setting.rules is None:
            assert self.base is not None  # a new one has rules
            kept = self.base.rule_labels
            for label in kept if kept is not None else [rule.label for rule in self.base.rules()]:
                yield label, None
            return
        for number, rule in enumerate(self.setting.rules):
            if rule.when is None:
                with at(self._place("rules", number), self.setting.name):
                    self._see_it_is_there(rule.label)
                yield rule.label, None
                continue
            with at(self._place("rules", number, "when"), f"{self.setting.name}, {rule.label}"):
                see_above(self.setting.name, rule.when, below)
                yield rule.label, language.condition(rule.when)

    def _see_it_is_there(self, label: str) -> None:
        known = self.base.rule_labels if self.base else ()
        if known is not None and label not in known:
            has = f"; it has {', '.join(known)}" if known else ""
            raise ConfigError(f"the rule {label!r} needs when: a condition{close_to(label, known)}{has}")

    def _see_labels(self, labels: Sequence[str], fallback: str) -> None:
        for number, label in enumerate(labels):
            if label in labels[:number] or label == fallback:
                where = self._place("rules", number) if self.setting.rules else self._place()
                other = "otherwise" if label not in labels[:number] else f"rule {labels.index(label) + 1}"
                raise ConfigError(
                    f"{where} ({self.setting.name}): the label {label!r} is that of {other} already; labels differ "
                    "(one rule takes several conditions with OR)."
                )

    def _see_reach(self) -> None:
        """See that every condition may be met; rules that are there already say nothing of theirs."""
        numbered = [(number, rule.when) for number, rule in enumerate(self.setting.rules or ()) if rule.when]
        found = unreachable([when for _, when in numbered])
        if found:
            number, why = found
            place = self._place("rules", numbered[number][0], "when")
            raise ConfigError(f"{place} ({self.setting.name}): the rule is never reached: {why}.")
