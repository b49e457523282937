"""The first cell of a notebook, run as it is published: on a machine like Colab, without network.

There NumPy, PyTorch and matplotlib are installed, lstmlib and some small packages are not. The
machine is a virtual environment that finds what is installed here, less those, and the network is a
folder: pip's index and the archive of a commit of this repository.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import distribution, distributions
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from publish import bootstrap

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = Path(sysconfig.get_path("purelib"))
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL = ["beartype", "jaxtyping", "pooch"]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """pip's index: the small packages, and setuptools, which builds lstmlib."""
    folder = tmp_path_factory.mktemp("index")
    for name in [*SMALL, "setuptools"]:
        pack(name, folder)
    return folder


def pack(name: str, folder: Path) -> None:
    """Make a wheel of an installed package."""
    found = distribution(name)
    with zipfile.ZipFile(folder / f"{name}-{found.version}-py3-none-any.whl", "w") as wheel:
        for file in found.files:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                wheel.write(file.locate(), file.as_posix())


@pytest.fixture
def machine(tmp_path, monkeypatch, index):
    """An environment with what is installed here, less lstmlib and the small packages."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    missing = {"lstmlib", *SMALL}
    there = tmp_path / "preinstalled"
    there.mkdir()
    for path in INSTALLED.iterdir():
        if path.suffix != ".pth" and not any(name in path.name for name in missing):
            (there / path.name).symlink_to(path)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    (own / "preinstalled.pth").write_text(str(there))
    kernel = tmp_path / "jupyter" / "kernels" / "clean"
    kernel.mkdir(parents=True)
    python = [str(environment / "bin" / "python"), "-m", "ipykernel_launcher"]
    settings = {"argv": [*python, "-f", "{connection_file}"], "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(settings | {"display_name": "clean"}))
    monkeypatch.chdir(tmp_path)  # where a kernel finds no lstmlib
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_NO_COMPILE", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return own


def archive(folder: Path, files: dict[str, bytes]) -> str:
    """Put files where pip gets a commit from, and return the address of that repository."""
    (folder / "archive").mkdir()
    with zipfile.ZipFile(folder / "archive" / f"{COMMIT}.zip", "w") as commit:
        for name, content in files.items():
            commit.writestr(f"executable-lstm-{COMMIT}/{name}", content)
    return folder.as_uri()


def run(*sources: str) -> list[str]:
    """Run cells in a new kernel of the machine, and return what each printed."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="clean", timeout=120).execute()
    return ["".join(part.get("text", "") for part in cell.outputs) for cell in notebook.cells]


def installed(own: Path) -> set[str]:
    """Name what pip installed into the environment."""
    return {found.name for found in distributions(path=[str(own)])}


def test_it_installs_the_library_leaves_numpy_and_torch_and_then_does_nothing(machine, tmp_path):
    packaged = ["pyproject.toml", "README.md", "LICENSE"]
    packaged += [
        path.relative_to(ROOT).as_posix()
        for folder in ("lstmlib", "results")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    address = archive(tmp_path, {name: (ROOT / name).read_bytes() for name in packaged})
    cell = bootstrap(address, COMMIT)
    chapter = nbformat.read(ROOT / "chapters" / "05_lstm.ipynb", as_version=4)
    code = [cell.source for cell in chapter.cells if cell.cell_type == "code"]
    assert installed(machine) == set()
    first, second, *shown = run(cell, cell, *code[1:5], "import lstmlib; print(lstmlib.__file__)")
    assert "restart the kernel" in first  # what %pip says whenever it has run
    assert "ERROR" not in first
    assert second == ""
    assert shown[-1].strip() == str(machine / "lstmlib" / "__init__.py")
    assert installed(machine) == {"lstmlib", *SMALL}
    assert run(cell, "import lstmlib") == ["", ""]


@pytest.mark.parametrize("kept", ["numpy", "torch"])
def test_a_library_that_asks_for_another_one_does_not_get_it(kept, machine, tmp_path, monkeypatch):
    parts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {kept}\nVersion: 99.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(tmp_path / f"{kept}-99.0-py3-none-any.whl", "w") as wheel:
        for name, text in parts.items():
            wheel.writestr(f"{kept}-99.0.dist-info/{name}", text)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{os.environ['PIP_FIND_LINKS']} {tmp_path}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = "\n".join(f"{name} = []" for name in project["optional-dependencies"])
    wanting = f"""\
[build-system]
requires = ["setuptools"]
[project]
name = "lstmlib"
version = "9"
dependencies = ["{kept}>=99"]
[project.optional-dependencies]
{extras}"""
    cell = bootstrap(archive(tmp_path, {"pyproject.toml": wanting.encode()}), COMMIT)
    (printed,) = run(cell)
    assert "conflicting dependencies" in printed
    assert installed(machine) == set()
    run(cell.replace(' {" ".join(kept)}', ""))  # the same without what the cell does against it
    assert installed(machine) == {"lstmlib", kept}
