"""`segmentation alerts test`: a message to everybody who would be told."""

from __future__ import annotations

import argparse

from segmentation.commands.outputs import add_place, configured

HELP = "send a message to see that alerts arrive"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("what", choices=("test",), help="send a message that says that it is a test")
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Send it, and say whether it went out."""
    from segmentation.errors import ConfigError, SegmentationError
    from segmentation.monitoring.alerts import Alert, send
    from segmentation.state.output import Output

    config = configured(options)
    number = len(config.alerts.urls)
    if not number:
        raise ConfigError("nobody would be told: expected addresses, alerts: {urls: [...]}, in the configuration.")
    where = Output.of(config).root
    body = f"This is a test. Failures, refusals and recoveries of {where} are told here."
    if not send(config, Alert("test", f"Test: {where}", body)):
        raise SegmentationError(f"not all of {number} addresses took the message; see the warnings above.")
    print(f"Sent to {number} addresses of alerts.urls.")
    return 0
