"""What is installed: every folder of the library, its data, and the records of the experiments."""

import shutil
import tomllib
import zipfile
from pathlib import Path

from setuptools import build_meta

ROOT = Path(__file__).parents[1]


def test_every_folder_is_in_the_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        ".".join(folder.relative_to(ROOT).parts)
        for folder in [ROOT / "lstmlib", *(ROOT / "lstmlib").rglob("*")]
        if folder.is_dir() and folder.name != "__pycache__"
    }
    assert set(settings["packages"]) == folders | {"lstmlib.results"}
    assert settings["package-dir"] == {"lstmlib.results": "results"}


def test_the_wheel_holds_code_data_and_records(tmp_path, monkeypatch):
    """Built by setuptools alone, from a copy, and looked into."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("lstmlib", "results"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(source)
    wheel = tmp_path / build_meta.build_wheel(str(tmp_path))
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, suffixes in {
        "lstmlib": {".py", ".npz", ".txt", ".json", ".safetensors", ".mplstyle"},
        "results": {".json"},
    }.items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in suffixes and "__pycache__" not in path.parts:
                relative = path.relative_to(ROOT).as_posix()
                assert (
                    relative.replace("results/", "lstmlib/results/", folder == "results") in names
                )
