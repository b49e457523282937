"""The site, built once for all that looks at it."""

import os
from pathlib import Path

import pytest
from build_book import build


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the pages: $SITE, which `make test` has built, or one built now."""
    if folder := os.environ.get("SITE"):
        return Path(folder).resolve()
    return build(tmp_path_factory.mktemp("site"))
