"""`segmentation serve`: what was published, over HTTP."""

from __future__ import annotations

import argparse
import os
import signal
from typing import TYPE_CHECKING, Any

from segmentation.commands.outputs import add_place, configured

if TYPE_CHECKING:
    from segmentation.config import SegmentationConfig

HELP = "serve what was published over HTTP, for applications"
HERE = ("127.0.0.1", "::1", "localhost")
# Longer than a load balancer needs to send its requests elsewhere.
GRACE = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 for any that is free")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument("--insecure", action="store_true", help="serve other machines without asking for a key")
    parser.add_argument("--new-key", metavar="NAME", help="make a key for somebody, print it and its entry, and end")
    parser.add_argument("--quiet", action="store_true", help="write no access log")
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Serve until told to end."""
    if options.new_key:
        return _print_key(options.new_key)
    config = configured(options)
    _refuse_strangers(options, config)
    _see_published(config)
    return _serve(options, config)


def _print_key(name: str) -> int:
    import hashlib
    import json
    import secrets

    key = secrets.token_urlsafe(32)
    hashed = hashlib.sha256(key.encode()).hexdigest()
    print(f"{key}\n\nIt is shown only now. Its entry in the configuration:\n", flush=True)
    print(f"api:\n  keys:\n    - {{name: {json.dumps(name)}, sha256: {hashed}}}")
    return 0


def _refuse_strangers(options: argparse.Namespace, config: SegmentationConfig) -> None:
    from segmentation.errors import ConfigError

    if options.host not in HERE and not config.api.keys and not options.insecure:
        raise ConfigError(
            f"--host {options.host}: others could read every customer, for no key is asked for. Make one with "
            "segmentation serve --new-key NAME, or say --insecure."
        )
    if not 0 <= options.port < 1 << 16:
        raise ConfigError(f"--port: expected 0 to 65535, found {options.port}.")
    if options.workers < 1:
        raise ConfigError(f"--workers: expected 1 or more, found {options.workers}.")


def _see_published(config: SegmentationConfig) -> None:
    """What cannot be served is told here, and not by every worker."""
    from segmentation.errors import ConfigError, install

    try:
        import deltalake  # noqa: F401
        import fastapi_offline  # noqa: F401
        import uvicorn  # noqa: F401

        from segmentation.serving.publications import Publications
    except ImportError as error:
        raise ConfigError(f"segmentation serve needs {error.name}: {install('api')}.") from error
    from segmentation.state.output import Output

    Publications(Output.of(config), 0)


def _logging(*, quiet: bool) -> dict[str, Any]:
    """Requests on stdout, an object a line; everything else on stderr."""
    told = {"handlers": ["errors"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"event": {"format": "%(asctime)s %(levelname)s %(message)s"}},
        "handlers": {
            "errors": {"class": "logging.StreamHandler", "formatter": "event", "stream": "ext://sys.stderr"},
            "requests": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
        },
        "loggers": {
            "uvicorn": told,
            "segmentation": told,
            "segmentation.access": {**told, "handlers": ["requests"], "level": "WARNING" if quiet else "INFO"},
        },
    }


def _serve(options: argparse.Namespace, config: SegmentationConfig) -> int:
    from tempfile import TemporaryDirectory

    import uvicorn

    from segmentation.errors import SegmentationError
    from segmentation.serving import app

    given = {app.CONFIG: options.config, app.OUTPUT_DIR: options.output_dir}
    given |= {app.KEYED: "1" if config.api.keys else None, app.INSECURE: "1" if options.insecure else None}
    os.environ.update({name: value for name, value in given.items() if value is not None})
    # The server answers what it has begun, and then sends itself the signal again: to have ended so is no failure.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: None)
    with TemporaryDirectory(prefix="segmentation-") as folder:
        if options.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            uvicorn.run(
                f"{app.__name__}:from_environment",
                factory=True,
                host=options.host,
                port=options.port,
                workers=options.workers,
                access_log=False,
                log_config=_logging(quiet=options.quiet),
                server_header=False,
                http="segmentation.serving.connections:Connection",
                limit_concurrency=1000,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE,
            )
        except SystemExit as error:
            if error.code:
                # What of a server ends so is no matter of what is published, which is what code 3 tells.
                raise SegmentationError(
                    f"the server cannot listen on {options.host}, port {options.port}, or not go on: see above. "
                    "Is the port taken, or the address not of this machine? Name others with --host and --port."
                ) from None
    return 0
