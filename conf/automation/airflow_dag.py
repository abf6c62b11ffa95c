"""The job in Airflow 3: every six hours if something changed, daily in full. Put this file into the folder of DAGs.

What to run is said by environment variables of Airflow's workers, so that the job may have a Python of its own:

    SEGMENTATION_PYTHON         the interpreter that the job is installed for; default: python3
    SEGMENTATION_OPTIONS        options of `segmentation run`, quoted as in a shell
    SEGMENTATION_OUTPUT_DIR     where to publish, a local directory; default: output in the folder of the worker
    SEGMENTATION_RETRY_SECONDS  before another try; default: 600

A run that finds nothing to do is skipped. One that was refused, or whose configuration is wrong, fails at once: another
try would change nothing. Everything else, another run at work above all, is tried again.
"""

import json
import os
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

NOTHING_TO_DO = 99
# Configuration, and the gates on data quality: docs/command-line.md has all exit codes.
FOR_PEOPLE = {2, 4}
ABOUT_A_RUN = ("run_id", "outcome", "total_customers", "rows_read", "segments")
AGAIN_AFTER = timedelta(seconds=float(os.environ.get("SEGMENTATION_RETRY_SECONDS", "600")))
CUSTOMERS = Asset("customer_segments")


def command(how: str) -> list[str]:
    """`segmentation run`, as its user would type it."""
    python = os.environ.get("SEGMENTATION_PYTHON", "python3")
    options = shlex.split(os.environ.get("SEGMENTATION_OPTIONS", ""))
    own = [f"--{how}", "--fresh-exit-code", str(NOTHING_TO_DO), "--trigger", "airflow", "--output-dir", str(output())]
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
    return {key: found[key] for key in ABOUT_A_RUN if key in found} if isinstance(found, dict) else {}


@task(retries=3, retry_delay=AGAIN_AFTER, execution_timeout=timedelta(hours=3), outlets=[CUSTOMERS])
def segment(how: str, *, outlet_events: Any = None) -> dict[str, object]:
    """Run the job; its exit code decides what becomes of the task. What it says is in the log of the task."""
    code = subprocess.run(command(how), check=False).returncode
    if code == NOTHING_TO_DO:
        raise AirflowSkipException("Nothing changed since the last successful run.")
    if code in FOR_PEOPLE:
        raise AirflowFailException(f"Exit code {code}: the log says what to mend; another try would change nothing.")
    if code != 0:
        raise AirflowException(f"Exit code {code}: another try may help.")
    found = results()
    outlet_events[CUSTOMERS].extra = found
    return found


def scheduled(name: str, schedule: str, how: str) -> DAG:
    """One of the two schedules. Times are UTC, as Airflow has them."""
    with DAG(
        f"customer_segmentation_{name}",
        schedule=schedule,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["customer-segmentation"],
        doc_md=__doc__,
    ) as dag:
        segment(how)
    return dag


check = scheduled("check", "0 */6 * * *", "check-freshness")
full = scheduled("full", "0 2 * * *", "force")
