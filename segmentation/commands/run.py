"""`segmentation run`: the job."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from segmentation.commands.outputs import add_inputs

HELP = "run the job"
EPILOG = """exit codes: 0 done or nothing to do; 1 unexpected failure; 2 usage or configuration; 3 no data, missing
columns or source not reachable; 4 refused by a data-quality gate; 5 another run holds the output"""


def add_what(parser: argparse.ArgumentParser) -> None:
    """What is read, how, and where it is published: for whoever starts runs."""
    parser.add_argument(
        "--source", default="csv", help="where the purchases lie: csv, mongodb, table, or a source of your own"
    )
    parser.add_argument(
        "--csv-path", action="append", metavar="PATH", help="file, directory or glob; may be repeated (default: sample)"
    )
    parser.add_argument(
        "--table",
        metavar="PATH_OR_NAME",
        help="for --source table: a Delta table, Parquet files, or database.table of Spark's catalog",
    )
    parser.add_argument(
        "--engine",
        choices=("auto", "spark", "embedded"),
        help="what computes (default: embedded, without Java, where it can; else Spark)",
    )
    add_inputs(parser)
    parser.add_argument("--config", metavar="FILE", help="YAML file (see conf/segmentation.yaml)")
    parser.add_argument("--output-dir", metavar="DIR", help="local path or Hadoop URI (default: output)")
    parser.add_argument("--as-of", metavar="DAY", help="latest, today or YYYY-MM-DD (default: latest)")
    parser.add_argument(
        "--mode",
        choices=("full", "incremental"),
        help="full reads everything; incremental only what is new, for the same outcome (default: full)",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a run."""
    parser.epilog = EPILOG
    add_what(parser)
    parser.add_argument(
        "--check-freshness",
        action="store_true",
        help="run only if source, config or day changed since the last success",
    )
    parser.add_argument("--force", action="store_true", help="always run, and rebuild in full")
    parser.add_argument(
        "--fresh-exit-code",
        type=int,
        default=0,
        metavar="N",
        help="exit code of --check-freshness with nothing to do, for schedulers that mark runs as skipped (default: 0)",
    )
    parser.add_argument(
        "--accept-shift",
        action="store_true",
        help="publish what is too unlike what was published before (monitoring.refuse_above)",
    )
    parser.add_argument("--json", action="store_true", help="print the record of the run (run_results.json)")
    parser.add_argument(
        "--trigger", default="manual", metavar="NAME", help="what started the run, for its record (default: manual)"
    )
    parser.add_argument("--dry-run", action="store_true", help="compute and count, publish nothing")
    parser.add_argument("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", metavar="LEVEL")


def execute(options: argparse.Namespace) -> int:
    """Run the job as the options say."""
    from segmentation.config import load_config, override
    from segmentation.config.loading import with_inputs_at
    from segmentation.console import print_summary, read_or_not, setup_console
    from segmentation.run.limit import ended_at_last

    setup_console(options.log_level)
    given = {"as_of": options.as_of, "output_dir": options.output_dir, "engine": options.engine}
    config = with_inputs_at(override(load_config(options.config), given), options.input or ())
    if options.check_freshness and not options.force and _nothing_to_do(options, config):
        return int(options.fresh_exit_code)
    from segmentation.pipeline import CustomerSegmentationPipeline

    with ended_at_last(config.max_run_minutes):
        result = CustomerSegmentationPipeline(config).run(
            options.source,
            options.csv_path,
            table=options.table,
            mode=options.mode,
            force=options.force,
            dry_run=options.dry_run,
            accept_shift=options.accept_shift,
            trigger=options.trigger,
            progress_bar=sys.stderr.isatty(),
            readers=[_print_record] if options.json else (),
        )
    # Published is published, whoever reads the summary.
    with read_or_not():
        if not options.json:
            print_summary(result)
    return 0


def _print_record(record: Any, _: Any) -> None:
    import json

    from segmentation.console import read_or_not
    from segmentation.run.results import told

    if record.outcome != "running":
        with read_or_not():
            print(json.dumps(told(record), indent=2, default=str))


def _nothing_to_do(options: argparse.Namespace, config: Any) -> bool:
    import json

    from segmentation.console import LOGGER
    from segmentation.errors import SegmentationError
    from segmentation.monitoring.alerts import tell_unchanged
    from segmentation.run.freshness import look
    from segmentation.run.request import Request
    from segmentation.state.output import Output
    from segmentation.state.status import complaint

    request = Request.of(options.source, options.csv_path, options.mode, config, table=options.table)
    now, wrong = datetime.now(UTC), complaint(Output.of(config))
    if wrong:
        LOGGER.warning("%s", wrong)
    is_due, why = look(config, request, now)
    if not is_due:
        try:
            tell_unchanged(config, Output.of(config), now)
        except (OSError, SegmentationError) as error:
            LOGGER.warning("That there was nothing to do cannot be noted: %s.", error)
    if options.json and not is_due:
        print(json.dumps({"outcome": "skipped", "reason": why}))
    elif not options.json:
        print(why)
    return not is_due
