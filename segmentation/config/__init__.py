"""Configuration: a YAML file or a dict in, one frozen, checked object out."""

from __future__ import annotations

from segmentation.config.currencies import CurrenciesConfig
from segmentation.config.festive import AnnualPeriod, FestivePeriod, HolidayPeriod, OncePeriod
from segmentation.config.loading import load_config, override
from segmentation.config.mongodb import MongoConfig, MongoTarget
from segmentation.config.settings import SegmentationConfig

__all__ = [
    "AnnualPeriod",
    "CurrenciesConfig",
    "FestivePeriod",
    "HolidayPeriod",
    "MongoConfig",
    "MongoTarget",
    "OncePeriod",
    "SegmentationConfig",
    "load_config",
    "override",
]
