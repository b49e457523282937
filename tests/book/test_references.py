"""The list of references: each one cited, and each one to be found."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = re.split(
    r"^@", (ROOT / "appendix/references.bib").read_text(encoding="utf-8"), flags=re.M
)[1:]
KEYS = [re.match(r"\w+\{(\w+),", entry)[1] for entry in ENTRIES]


def test_every_reference_is_cited():
    pages = ["intro.md", "appendix/*.md", "appendix/*.ipynb", "chapters/*.ipynb"]
    files = [path for pattern in pages for path in ROOT.glob(pattern)]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    found = re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
    cited = {key.strip() for keys in found for key in keys.split(",")}
    assert len(KEYS) > 10
    assert sorted(set(KEYS) - cited) == []


def test_no_key_stands_for_two():
    assert len(set(KEYS)) == len(KEYS)
    assert sorted(KEYS) == KEYS


def test_every_reference_has_an_identifier():
    for key, entry in zip(KEYS, ENTRIES, strict=True):
        assert re.search(r"^\s*(doi|eprint|url)\s*=\s*\{\S+\}", entry, flags=re.M), key
