"""Chromium as the tools and the tests drive it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome"]
FLAGS = [  # no sandbox, which a container does not grant, and no question to another host
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Return the path of Chromium: $CHROMIUM, or what the PATH has."""
    names = [os.environ.get("CHROMIUM", ""), *NAMES]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise FileNotFoundError(
            "expected chromium on the PATH or its path in $CHROMIUM, got neither"
            " (Debian, Ubuntu: apt-get install chromium)"
        )
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium without a window. A process can have one at a time."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
