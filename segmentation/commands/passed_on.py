"""The options of a run, as a command that starts runs later passes them on."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from segmentation.commands import run


def passed_on(options: argparse.Namespace, instead: Mapping[str, Any], without: Collection[str]) -> Iterator[str]:
    """The words that make a run do as `options` say, those that are as they are by default left out.

    Args:
        options: what was given; a command may have fewer of them than a run has.
        instead: values that take the place of given ones, by their name in `options`.
        without: names of options that are not passed on.
    """
    parser = argparse.ArgumentParser(add_help=False)
    run.add_options(parser)
    for option in parser._actions:
        value = instead.get(option.dest, getattr(options, option.dest, option.default))
        if value == option.default or option.dest in without:
            continue
        for each in value if isinstance(value, list) else [value]:
            yield option.option_strings[0]
            if option.nargs != 0:
                yield str(each)
