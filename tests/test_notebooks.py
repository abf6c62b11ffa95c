"""Notebooks: stored without output, run from top to bottom on what a run published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LIFETIME = "04_lifetime_value.ipynb"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_without_output(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", [one for one in NOTEBOOKS if one.name != LIFETIME], ids=lambda path: path.name)
def test_runs_from_top_to_bottom(path: Path, run_job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("2025-10-31", "latest"):
        run_job(ROOT / "data" / "purchase_records.csv", mode="incremental", as_of=day)
    monkeypatch.setenv("SEGMENTATION_OUTPUT", str(tmp_path / "out"))
    assert len([output for output in executed(path) if "image/png" in output.get("data", {})]) >= 3


@pytest.mark.clv
def test_a_library_finds_the_numbers_it_would_compute_itself(run_job, tmp_path: Path, monkeypatch) -> None:
    rfm = str(ROOT / "conf" / "dimensions" / "rfm.yaml")
    run_job(ROOT / "data" / "purchase_records.csv", mode="incremental", include=[rfm])
    monkeypatch.setenv("SEGMENTATION_OUTPUT", str(tmp_path / "out"))
    outputs = executed(ROOT / "notebooks" / LIFETIME)
    assert "The same for all 860 customers" in "".join(output.get("text", "") for output in outputs)
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 3


def executed(path: Path) -> list[Any]:
    """What the cells of a notebook give."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
