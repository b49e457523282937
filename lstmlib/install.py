"""The first cell of a notebook that needs lstmlib, which installs it where it is missing."""

import importlib.metadata

CELL = """\
# Where lstmlib is missing, as on Colab, this installs it; NumPy and PyTorch stay as they are.
from importlib import metadata
from importlib.util import find_spec

if find_spec("lstmlib") is None:
    source = "{source}"
    kept = [f"{{name}}=={{metadata.version(name)}}" for name in ("numpy", "torch") if find_spec(name)]
    %pip install -q "{what} @ {{source}}" {{" ".join(kept)}}"""  # noqa: E501


def cell(source: str, extra: str = "") -> str:
    """Return the cell; ``source`` is where pip finds lstmlib, ``extra`` what comes with it."""
    return CELL.format(source=source, what=f"lstmlib[{extra}]" if extra else "lstmlib")


def archive(address: str, commit: str = "main") -> str:
    """Return where pip finds a commit of the repository at an address, without git."""
    return f"{address}/archive/{commit}.zip"


def addresses() -> dict[str, str]:
    """Return the addresses that lstmlib was installed with: ``Book`` and ``Repository``."""
    urls = importlib.metadata.metadata("lstmlib").get_all("Project-URL") or []
    return dict(url.split(", ", 1) for url in urls)
