"""`segmentation config schema`: the form of a configuration, for editors."""

from __future__ import annotations

import argparse

HELP = "print the JSON Schema of the configuration, by which editors complete and check it"
EPILOG = """Write it to a file beside the configuration, and make the first line of the configuration
# yaml-language-server: $schema=segmentation.schema.json
which editors with the YAML language server (VS Code with the YAML extension, Neovim, Emacs, ...) go by."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def execute(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command is called alike
    """Print it."""
    import json

    from segmentation.config.schema import json_schema
    from segmentation.console import read_or_not

    with read_or_not(is_all_there_is=True):
        print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
