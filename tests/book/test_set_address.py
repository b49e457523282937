"""The address of the host stands in one place, and one command changes it everywhere."""

import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest
from publish import bootstrap
from set_address import addresses, replace, set_address

ROOT = Path(__file__).resolve().parents[2]
HERE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["book"]["address"]
MINE = "https://github.com/A-Teacher/lstm.course"


@pytest.fixture
def house(tmp_path):
    """A copy of what is written here: not what is built, run or installed."""
    left_out = shutil.ignore_patterns(
        ".git",
        ".venv",
        "_build",
        "runs",
        "*cache*",
        "*.egg-info",
        ".hypothesis",
        "*.npz",
        "*.safetensors",
    )
    return Path(shutil.copytree(ROOT, tmp_path / "house", ignore=left_out))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_file_keeps_the_old_address(house):
    changed = set_address(house, MINE)
    for name in ("_config.yml", "README.md", "CITATION.cff", "pyproject.toml"):
        assert house / name in changed
    for path, text in contents(house).items():
        left = [address for address in addresses(HERE) if address.encode() in text]
        assert left == [], f"{path} still names {left}"
    assert f'address = "{MINE}"' in (house / "pyproject.toml").read_text()


def test_notebooks_install_from_the_new_address(house):
    set_address(house, MINE)
    paths = [*house.glob("chapters/*.ipynb"), *house.glob("appendix/*.ipynb")]
    assert paths
    for path in paths:
        cells = nbformat.read(path, as_version=4).cells
        assert [cell.source for cell in cells if cell.id == "colab"] == [bootstrap(MINE)]


def test_twice_changes_nothing_more_and_back_restores(house):
    before = contents(house)
    set_address(house, MINE)
    once = contents(house)
    assert set_address(house, MINE + "/") == []
    assert contents(house) == once
    set_address(house, HERE)
    assert contents(house) == before


@pytest.mark.parametrize(
    "address",
    [
        "",
        "github.com/you/book",
        "http://github.com/you/book",
        "https://github.com/you",
        "https://github.com/you/book/tree/main",
        "https://github.com/you/book.git",
        "https://github.com/-you/book",
        "https://example.org/you/book",
        "https://github.com/you/a book",
    ],
)
def test_what_is_no_repository_is_an_error_that_changes_nothing(house, address):
    before = contents(house)
    with pytest.raises(ValueError, match=r"expected https://github.com/OWNER/NAME, but got"):
        set_address(house, address)
    assert contents(house) == before


def test_the_addresses_that_follow():
    assert addresses(MINE) == [
        MINE,
        "https://a-teacher.github.io/lstm.course",
        "https://colab.research.google.com/github/A-Teacher/lstm.course",
        "https://mybinder.org/v2/gh/A-Teacher/lstm.course",
    ]
    assert addresses("https://github.com/You/you.github.io")[1] == "https://you.github.io"


def test_a_longer_name_is_another_address():
    old, new = addresses("https://github.com/a/b"), addresses("https://github.com/a/bc")
    text = "https://github.com/a/b https://github.com/a/b.git https://github.com/a/b/x."
    once = "https://github.com/a/bc https://github.com/a/b.git https://github.com/a/bc/x."
    assert replace(text, old, new) == once
    assert replace(once, old, new) == once
    assert replace("see https://github.com/a/b.", old, new) == "see https://github.com/a/bc."
