"""Run by `test_schedulers.py` with the Python of Airflow: load the DAGs, run each case, print what became of it."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.utils.session import create_session
from sqlalchemy import select


def tried(dag: Any, environment: dict[str, str]) -> dict[str, Any]:
    """Run a DAG once, in this process."""
    os.environ.update(environment)
    seen = len(events())
    run = dag.test()
    return {"state": run.get_task_instance("segment").state, "metadata": events()[seen:]}


def events() -> list[Any]:
    """What was said of the asset."""
    with create_session() as session:
        return [event.extra for event in session.scalars(select(AssetEvent).order_by(AssetEvent.id))]


def main() -> None:
    """The cases come as JSON: [how, environment] each."""
    bag = DagBag(dag_folder=sys.argv[1])
    loaded = {name: dag.schedule for name, dag in bag.dags.items()}
    cases = [tried(bag.dags[f"customer_segmentation_{how}"], env) for how, env in json.loads(sys.argv[2])]
    print("\n" + json.dumps({"errors": bag.import_errors, "loaded": loaded, "cases": cases}))


if __name__ == "__main__":
    main()
