"""Thresholds by market: what differs from the settings of all for customers with one value in a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from segmentation.config.own import OwnName
from segmentation.config.values import Amount, Model, Name, Share

# What YAML makes of NO, ON and the like, which are countries and provinces as well.
TRUTHS = ("True", "False")


def _markets(value: Any) -> Any:
    found = [name for name in TRUTHS if isinstance(value, Mapping) and str(name) in map(str, value)]
    if found:
        raise ValueError(f"YAML reads a word such as NO or ON as {found[0].lower()}: write it in quotes, as in 'NO'")
    return value


class Thresholds(Model):
    """Those of one market; what is not given is as for all."""

    loyal_min_purchases: Annotated[int, Field(ge=1)] | None = None
    lapsed_after_days: Annotated[int, Field(ge=0, le=36500)] | None = None
    seasonal_threshold: Share | None = None
    high_aov_threshold: Amount | None = None
    high_lifetime_threshold: Amount | None = None
    low_lifetime_threshold: Amount | None = None
    dominant_threshold: Share | None = None
    family_threshold: Share | None = None


class Markets(Model):
    """Which customers have thresholds of their own.

    Attributes:
        column: a metric of the configuration that is a text, such as the country of the last purchase; None: nobody.
        values: by its values, what differs there; `{}` for a market where nothing does.
        otherwise: what becomes of customers with another value, or none: ``default``, the thresholds of all;
            ``refuse``, the run is refused.
    """

    column: OwnName | None = None
    values: Annotated[dict[Name, Thresholds], BeforeValidator(_markets)] = {}
    otherwise: Literal["default", "refuse"] = "default"

    def of(self, name: str) -> dict[str, Any]:
        """A threshold by market, of those where it differs."""
        given = {market: getattr(one, name) for market, one in self.values.items()}
        return {market: value for market, value in given.items() if value is not None}

    def problems(self, low: Decimal, high: Decimal) -> Iterator[str]:
        """What does not fit together, given the thresholds of all."""
        if (self.column is None) != (not self.values):
            yield "per: expected column and values together"
        if low >= high:
            yield f"low_lifetime_threshold: {low} must lie below high_lifetime_threshold {high}"
        lows, highs = self.of("low_lifetime_threshold"), self.of("high_lifetime_threshold")
        for market in self.values:
            its_low, its_high = lows.get(market, low), highs.get(market, high)
            if its_low >= its_high:
                yield (
                    f"per.values.{market}: low_lifetime_threshold {its_low} must lie below high_lifetime_threshold "
                    f"{its_high}"
                )
