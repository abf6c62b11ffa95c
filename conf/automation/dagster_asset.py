"""The job in Dagster: the customers as an asset, every six hours if something changed, daily in full.

    dagster dev -f dagster_asset.py

What to run is said by environment variables, so that the job may have a Python of its own:

    SEGMENTATION_PYTHON         the interpreter that the job is installed for; default: python3
    SEGMENTATION_OPTIONS        options of `segmentation run`, quoted as in a shell
    SEGMENTATION_OUTPUT_DIR     where to publish, a local directory; default: output in the working folder
    SEGMENTATION_RETRY_SECONDS  before another try; default: 600

A run that finds nothing to do materialises nothing. One that was refused, or whose configuration is wrong, fails at
once: another try would change nothing. Everything else, another run at work above all, is tried again.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

NOTHING_TO_DO = 99
# Configuration, and the gates on data quality: docs/command-line.md has all exit codes.
FOR_PEOPLE = {2, 4}
ABOUT_A_RUN = ("run_id", "outcome", "total_customers", "rows_read", "segments")
ASSET = "customer_segments"
AGAIN = dg.RetryPolicy(max_retries=3, delay=float(os.environ.get("SEGMENTATION_RETRY_SECONDS", "600")))


class How(dg.Config):
    """How to run: everything anew, or only if something changed."""

    force: bool = False


def command(how: How) -> list[str]:
    """`segmentation run`, as its user would type it."""
    python = os.environ.get("SEGMENTATION_PYTHON", "python3")
    options = shlex.split(os.environ.get("SEGMENTATION_OPTIONS", ""))
    given = "--force" if how.force else "--check-freshness"
    own = [given, "--fresh-exit-code", str(NOTHING_TO_DO), "--trigger", "dagster", "--output-dir", str(output())]
    return [python, "-m", "segmentation.cli", "run", *own, *options]


def output() -> Path:
    """Where the runs publish."""
    return Path(os.environ.get("SEGMENTATION_OUTPUT_DIR", "output")).absolute()


def results() -> dict[str, object]:
    """What the run says of itself, as far as it is there."""
    try:
        found = json.loads((output() / "run_results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: found[key] for key in ABOUT_A_RUN if found.get(key) is not None} if isinstance(found, dict) else {}


@dg.asset(name=ASSET, output_required=False, kinds={"python", "deltalake"}, retry_policy=AGAIN)
def customer_segments(context: dg.AssetExecutionContext, config: How) -> Iterator[dg.MaterializeResult]:
    """Every customer with its labels, published to the output directory."""
    code = subprocess.run(command(config), check=False).returncode
    if code == NOTHING_TO_DO:
        context.log.info("Nothing changed since the last successful run: nothing is materialised.")
        return
    if code in FOR_PEOPLE:
        raise dg.Failure(f"Exit code {code}: the log says what to mend.", allow_retries=False)
    if code != 0:
        raise dg.Failure(f"Exit code {code}: another try may help.")
    yield dg.MaterializeResult(metadata=results())


@dg.schedule(job_name="customer_segmentation", cron_schedule="0 */6 * * *")
def check() -> dg.RunRequest:
    """Run if something changed."""
    return dg.RunRequest(run_config=configured(force=False))


@dg.schedule(job_name="customer_segmentation", cron_schedule="0 2 * * *")
def full() -> dg.RunRequest:
    """Rebuild everything."""
    return dg.RunRequest(run_config=configured(force=True))


def configured(*, force: bool) -> dg.RunConfig:
    """What a run of the asset is told."""
    return dg.RunConfig(ops={ASSET: How(force=force)})


defs = dg.Definitions(
    assets=[customer_segments],
    jobs=[dg.define_asset_job("customer_segmentation", [ASSET])],
    schedules=[check, full],
)
