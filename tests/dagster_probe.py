"""Run by `test_schedulers.py` with the Python of Dagster: load the definitions, run each case, say what came of it."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any

import dagster as dg


def tried(module: Any, how: str, environment: dict[str, str]) -> dict[str, Any]:
    """Run what a schedule asks for once, in this process."""
    os.environ.update(environment)
    due = getattr(module, how)(dg.build_schedule_context())
    job = module.defs.resolve_job_def("customer_segmentation")
    done = job.execute_in_process(run_config=due.run_config, raise_on_error=False)
    published = [event.materialization.metadata for event in done.get_asset_materialization_events()]
    state = "failed" if not done.success else "success" if published else "skipped"
    return {"state": state, "metadata": [{key: value.value for key, value in each.items()} for each in published]}


def main() -> None:
    """The cases come as JSON: [how, environment] each."""
    spec = importlib.util.spec_from_file_location("dagster_asset", sys.argv[1])
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["dagster_asset"] = module
    spec.loader.exec_module(module)
    dg.Definitions.validate_loadable(module.defs)
    loaded = {each.name: each.cron_schedule for each in module.defs.schedules}
    cases = [tried(module, how, env) for how, env in json.loads(sys.argv[2])]
    print("\n" + json.dumps({"errors": {}, "loaded": loaded, "cases": cases}))


if __name__ == "__main__":
    main()
