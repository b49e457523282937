"""A notebook in JupyterLab itself: the same call that a page shows gives a live figure."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from lstmlib import widgets

ROOT = Path(__file__).resolve().parents[2]
IMPORTS = "import numpy as np\n\nfrom lstmlib import widgets"


def figures() -> list[str]:
    """The chapters' cells that make a figure, but one that needs variables of its chapter."""
    cells = [
        "".join(cell["source"])
        for path in sorted(ROOT.glob("chapters/*.ipynb"))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    return [
        source
        for source in cells
        if re.search(r"^widgets\.", source, re.MULTILINE) and "CellSteps(\n    W_x, " not in source
    ]


@pytest.fixture
def jupyterlab(tmp_path):
    """The address of a JupyterLab that serves a folder with a notebook of figures, never run."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(source) for source in (IMPORTS, *figures())]
    nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / "figures.ipynb")
    settings = tmp_path / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)  # cells out of view stay on the page
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    log = tmp_path / "server.log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root"]
    options = [
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    places = {f"JUPYTER_{name}": str(tmp_path / name) for name in ("CONFIG_DIR", "RUNTIME_DIR")}
    places["JUPYTERLAB_SETTINGS_DIR"] = str(tmp_path / "settings")
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, *options], stdout=out, stderr=out, env=os.environ | places
        )
    try:
        yield address(log, server)
    finally:
        server.terminate()
        server.wait(30)


def address(log: Path, server: subprocess.Popen) -> str:
    for _ in range(240):
        if found := re.search(r"http://(?:localhost|127\.0\.0\.1):(?!0/)\d+/", log.read_text()):
            return found[0]
        assert server.poll() is None, log.read_text()
        time.sleep(0.5)
    raise AssertionError(f"JupyterLab did not start in two minutes:\n{log.read_text()}")


def test_the_figures_of_the_chapters_are_live_in_jupyterlab(jupyterlab, browser):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(f"{jupyterlab}lab/tree/figures.ipynb")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=120_000)
    kinds = set()
    cells = page.locator(".jp-CodeCell")
    cells.first.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    for k, source in enumerate(figures(), start=1):
        cell = cells.nth(k)
        cell.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        said = cell.locator(".jp-OutputArea .said")
        expect(said).not_to_be_empty(timeout=120_000)
        before = said.inner_text()
        slider = cell.locator(".widget-slider").first.get_by_role("slider")
        at_its_end = slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax")
        slider.press("ArrowLeft" if at_its_end else "ArrowRight")
        expect(said).not_to_have_text(before)  # computed again in Python
        assert cell.locator("[data-figure]").count() == 0  # the live figure stands for the page's
        kinds.add(re.search(r"widgets\.(\w+)", source)[1])
    assert kinds == set(widgets.__all__)
    page.close()
