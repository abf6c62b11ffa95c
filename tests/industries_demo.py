"""`make industries-demo`: industries from generated data, RFM on the sample, the plug-in, a rule in three lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

from .industries import ORACLES, generate
from .processes import EXPORT, ROOT

FOLDER = ROOT / "output" / "industries-demo"
SAMPLE = ROOT / "data" / "purchase_records.csv"
PLUG_IN = ROOT / "examples" / "vip"
RULE = """\
dimensions:
  - name: purchase_frequency
    rules: [{label: VIP, when: "total_purchases >= 10"}, New, Loyal, Lapsed, Seasonal]
"""


def main() -> int:
    """One after the other; each says what it does."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for industry in ORACLES:
        say(f"{industry}: docs/industries/{industry}.md")
        _industry(industry)
    say("RFM on the sample: docs/rfm.md")
    segment("rfm", ROOT / "conf" / "dimensions" / "rfm.yaml", SAMPLE)
    if PLUG_IN.is_dir():
        say("A plug-in package: examples/vip/README.md")
        _plug_in()
    say("A rule, added by three lines of YAML")
    _rule()
    return 0


def say(what: str) -> None:
    print(f"\n=== {what}", flush=True)


def segment(name: str, config: Path | None, purchases: Path, *options: str, within: Path | None = None) -> Path:
    """Run the job, show its summary, and say where it published."""
    place = FOLDER / name / "out"
    words = ["run", "--csv-path", str(purchases), "--output-dir", str(place), "--engine", "embedded", *options]
    words += ["--config", str(config)] if config else []
    print(f"$ segmentation {' '.join(words)}", flush=True)
    path = {"PYTHONPATH": f"{ROOT}:{within}"} if within else {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "segmentation.cli", *words, "--log-level", "WARNING"]
    subprocess.run(command, check=True, env={**os.environ, **path})
    return place


def _industry(industry: str) -> None:
    folder, config = FOLDER / industry, ROOT / "conf" / "industries" / f"{industry}.yaml"
    generate(industry, folder, 5_000)
    inputs = yaml.safe_load(config.read_text()).get("inputs", {})
    named = [word for name in inputs for word in ("--input", f"{name}={folder / f'{name}.csv'}")]
    published = labels_of(segment(industry, config, folder / "purchases.csv", *named))
    expected = ORACLES[industry](folder)
    same = all(published[customer].items() >= labels.items() for customer, labels in expected.items())
    print(f"Compared with plain Python, customer by customer: {'equal' if same else 'NOT EQUAL'} ({len(expected):,})")
    if not same:
        raise SystemExit(1)


def labels_of(place: Path) -> dict[str, dict[str, str]]:
    """The labels of every customer, as they are exported."""
    return {one["customer_id"]: one["segmentation"] for one in json.loads((place / EXPORT).read_text())}


def _plug_in() -> None:
    """Installed into a folder of its own, so that the environment stays as it is."""
    installed, copy = FOLDER / "plug-in" / "installed", FOLDER / "plug-in" / "package"
    shutil.copytree(PLUG_IN, copy)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, "--target", str(installed), str(copy)], check=True)
    segment("plug-in", PLUG_IN / "segmentation.yaml", SAMPLE, within=installed)


def _rule() -> None:
    config = FOLDER / "rule" / "own.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("# nothing yet\n")
    before = labels_of(segment("rule", config, SAMPLE))
    config.write_text(RULE)
    print(f"\nNow {config.name} says:\n{RULE}")
    after = labels_of(segment("rule", config, SAMPLE, "--accept-shift"))
    moved = Counter(
        (before[customer]["purchase_frequency"], labels["purchase_frequency"]) for customer, labels in after.items()
    )
    for (was, now), customers in sorted(moved.items()):
        print(f"  {was:10} -> {now:10} {customers:5,}{'' if was == now else '   moved'}")


if __name__ == "__main__":
    sys.exit(main())
