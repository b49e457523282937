"""Give the book the address of whoever hosts it, in every file that names it.

    python tools/set_address.py https://github.com/you/your-book

The address in pyproject.toml ([tool.book]) is the one that is replaced: that of the repository, and
with it those of the site that GitHub Pages makes of it and of its notebooks on Colab and Binder.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = re.compile(r"https://github\.com/([A-Za-z0-9](?:-?[A-Za-z0-9])*)/([A-Za-z0-9._-]+)")
NAMING = [
    "*.md",
    "*.toml",
    "*.cff",
    "*.yml",
    "chapters/*.ipynb",
    "appendix/*.md",
    "appendix/*.ipynb",
    "assignments/*.md",
    "assignments/*.ipynb",
    ".github/**/*.yml",
]


def addresses(repository: str) -> list[str]:
    """List the addresses that follow from a repository's: its own, its site's, its notebooks'."""
    match = REPOSITORY.fullmatch(repository)
    if not match or match[2] in (".", "..") or match[2].endswith(".git"):
        raise ValueError(f"expected https://github.com/OWNER/NAME, but got {repository!r}")
    owner, name = match.groups()
    host = f"{owner.lower()}.github.io"
    site = f"https://{host}" if name.lower() == host else f"https://{host}/{name}"
    colab = f"https://colab.research.google.com/github/{owner}/{name}"
    binder = f"https://mybinder.org/v2/gh/{owner}/{name}"
    return [repository, site, colab, binder]


def replace(text: str, old: list[str], new: list[str]) -> str:
    """Return the text with each old address replaced by its new one; longer names stay."""
    table = dict(zip(old, new, strict=True))
    found = "|".join(re.escape(address) for address in old)
    return re.sub(rf"({found})(?![\w-]|\.[\w-])", lambda match: table[match[1]], text)


def set_address(root: Path, repository: str) -> list[Path]:
    """Rewrite the files below ``root`` and return those that changed."""
    new = addresses(repository.rstrip("/"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    old = addresses(project["tool"]["book"]["address"])
    changed = []
    for path in sorted({path for pattern in NAMING for path in root.glob(pattern)}):
        text = path.read_text(encoding="utf-8")
        if (rewritten := replace(text, old, new)) != text:
            path.write_text(rewritten, encoding="utf-8")
            changed.append(path)
    return changed


def main() -> int:
    """Set the address given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("address", help="https://github.com/OWNER/NAME")
    try:
        changed = set_address(ROOT, parser.parse_args().address)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in changed:
        print(path.relative_to(ROOT))
    print(f"{len(changed)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
