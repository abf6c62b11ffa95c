"""`segmentation festive`: which days are festive."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime

HELP = "show which days are festive"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    this_year = datetime.now(UTC).year
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--from-year", type=int, default=this_year - 1)
    parser.add_argument("--to-year", type=int, default=this_year)


def execute(options: argparse.Namespace) -> int:
    """Print the festive days of some years."""
    from segmentation.config import load_config
    from segmentation.core.festive import resolve
    from segmentation.errors import ConfigError

    if options.from_year > options.to_year:
        raise ConfigError(f"--from-year {options.from_year} lies behind --to-year {options.to_year}.")
    config = load_config(options.config)
    calendar = resolve(config.festive_periods, date(options.from_year, 1, 1), date(options.to_year, 12, 31))
    for line in calendar.describe():
        print(line)
    for name, years in calendar.unknown_years.items():
        print(f"{name}: not known for {', '.join(map(str, years))}")
    return 0
