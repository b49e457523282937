"""The site, built once for all that looks at it."""

from pathlib import Path

import pytest
from build_book import build


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the pages; the build fails on any warning."""
    return build(tmp_path_factory.mktemp("site"))
