"""What all tests share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from browser import chromium, open_browser
from build_book import build
from playwright.sync_api import Browser

from lstmlib.data import tiny_shakespeare

# The same examples on every run; the machine's speed decides nothing.
hypothesis.settings.register_profile("lstmlib", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("lstmlib")
# A shell lets what it starts in the background ignore Ctrl-C; the tests of Ctrl-C do not.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_text() -> str:
    """Tiny shakespeare from LSTMLIB_DATA; where that has none, the test is skipped and says so."""
    folder = os.environ.get("LSTMLIB_DATA")
    if not folder or not (Path(folder) / "tinyshakespeare.txt").exists():
        pytest.skip("needs tiny shakespeare: set LSTMLIB_DATA to a folder with tinyshakespeare.txt")
    return tiny_shakespeare()


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the pages: $SITE, which `make test` has built, or one built now."""
    if folder := os.environ.get("SITE"):
        return Path(folder).resolve()
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once; where there is none, the test is skipped and says so."""
    try:
        chromium()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    with open_browser() as started:
        yield started
