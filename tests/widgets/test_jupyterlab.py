"""A notebook in JupyterLab itself: the same call that a page shows gives a live figure."""

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

SOURCE = """\
import numpy as np

from lstmlib import widgets

widgets.Windows(np.sin(np.arange(20.0)))"""


@pytest.fixture
def jupyterlab(tmp_path):
    """The address of a JupyterLab that serves a folder with one notebook, never run."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(SOURCE)], metadata=metadata)
    nbformat.write(notebook, folder / "figure.ipynb")
    log = tmp_path / "server.log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root"]
    settings = [
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    places = {f"JUPYTER_{name}": str(tmp_path / name) for name in ("CONFIG_DIR", "RUNTIME_DIR")}
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, *settings], stdout=out, stderr=out, env=os.environ | places
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


def test_a_live_figure_answers_in_jupyterlab(jupyterlab, browser):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(f"{jupyterlab}lab/tree/figure.ipynb")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=120_000)
    cell = page.locator(".jp-CodeCell").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    said = cell.locator(".jp-OutputArea .said")
    expect(said).to_have_text(re.compile("^Window j = 1 of 15:"), timeout=120_000)
    lag = cell.locator(".widget-slider").first.get_by_role("slider")
    lag.press("ArrowRight")
    expect(said).to_have_text(re.compile("^Window j = 1 of 14: X, the input, is steps 1 to 5;"))
    assert cell.locator("lstm-windows").count() == 0  # the live figure stands for the page's
    page.close()
