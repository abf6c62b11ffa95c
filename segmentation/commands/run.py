"""`segmentation run`: the job."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

HELP = "run the job"
EPILOG = """exit codes: 0 done or nothing to do; 1 unexpected failure; 2 usage or configuration; 3 no data, missing
columns or source not reachable; 4 refused by a data-quality gate; 5 another run holds the output"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a run."""
    parser.epilog = EPILOG
    parser.add_argument("--source", choices=("csv", "mongodb", "table"), default="csv", help="where the purchases lie")
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
    parser.add_argument("--config", metavar="FILE", help="YAML file (see conf/segmentation.yaml)")
    parser.add_argument("--output-dir", metavar="DIR", help="local path or Hadoop URI (default: output)")
    parser.add_argument("--as-of", metavar="DAY", help="latest, today or YYYY-MM-DD (default: latest)")
    parser.add_argument(
        "--mode",
        choices=("full", "incremental"),
        help="full reads everything; incremental only what is new, for the same outcome (default: full)",
    )
    parser.add_argument(
        "--check-freshness",
        action="store_true",
        help="run only if source, config or day changed since the last success",
    )
    parser.add_argument("--force", action="store_true", help="always run, and rebuild in full")
    parser.add_argument("--dry-run", action="store_true", help="compute and count, publish nothing")
    parser.add_argument("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", metavar="LEVEL")


def execute(options: argparse.Namespace) -> int:
    """Run the job as the options say."""
    from segmentation.config import load_config, override
    from segmentation.console import print_summary, read_or_not, setup_console

    setup_console(options.log_level)
    given = {"as_of": options.as_of, "output_dir": options.output_dir, "engine": options.engine}
    config = override(load_config(options.config), given)
    if options.check_freshness and not options.force and _nothing_to_do(options, config):
        print("Nothing to do: source and configuration are as they were at the last successful run.")
        return 0
    from segmentation.pipeline import CustomerSegmentationPipeline

    result = CustomerSegmentationPipeline(config).run(
        options.source,
        options.csv_path,
        table=options.table,
        mode=options.mode,
        force=options.force,
        dry_run=options.dry_run,
        progress_bar=sys.stderr.isatty(),
    )
    # Published is published, whoever reads the summary.
    with read_or_not():
        print_summary(result)
    return 0


def _nothing_to_do(options: argparse.Namespace, config: Any) -> bool:
    from segmentation.run.freshness import is_unchanged, state_of
    from segmentation.run.request import Request
    from segmentation.state.output import Output
    from segmentation.state.status import complaint

    request = Request.of(options.source, options.csv_path, options.mode, config, table=options.table)
    state = state_of(config, request, datetime.now(UTC))
    if state["source_fingerprint"] is None:
        print(f"Whether {', '.join(request.paths)} changed cannot be told without reading, so the job runs.")
    output = Output.of(config)
    wrong = complaint(output)
    if wrong:
        print(f"{wrong} So the job runs.")
    return is_unchanged(output, state)
