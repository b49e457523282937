import gzip
import hashlib
import json
import shutil
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from lstmlib.data import digits, download, mnist, shakespeare, tiny_shakespeare
from lstmlib.data.download import EMBEDDED, MNIST, RemoteFile, fetch

CONTENT = np.random.default_rng(0).bytes(300_000)


def remote(name, content, url="http://127.0.0.1:9/nobody-listens"):
    return RemoteFile(name, url, len(content), "sha256:" + hashlib.sha256(content).hexdigest())


FILE = remote("file.bin", CONTENT)


class Server(ThreadingHTTPServer):
    """A server whose behaviour the test sets; it records the Range header of each request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/file.bin": CONTENT}
        self.ranges = []
        self.honours_range = True
        self.status = None
        self.stop_after = None
        self.declares_length = True
        self.closing = threading.Event()
        self.silent = False


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        if server.silent:
            server.closing.wait()
            return
        content = server.files.get(self.path)
        if server.status or content is None:
            self.send_error(server.status or 404)
            return
        if asked and server.honours_range:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            content = content[start:]
        else:
            self.send_response(200)
        if server.declares_length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: server.stop_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache; no folder of the reader's; no mirror; short time-outs."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("pooch.os_cache", lambda _: folder)
    monkeypatch.setattr(download, "TIMEOUT", (2.0, 0.5))
    monkeypatch.delenv("LSTMLIB_DATA", raising=False)
    monkeypatch.delenv("LSTMLIB_MIRROR", raising=False)
    return folder


@pytest.fixture
def server(cache, monkeypatch):
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("LSTMLIB_MIRROR", f"http://127.0.0.1:{server.server_port}/")
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_download_is_cached(server, cache):
    assert fetch(FILE) == CONTENT
    assert fetch(FILE) == CONTENT
    assert server.ranges == [None]
    assert names(cache) == ["file.bin"]


def test_without_a_mirror_the_original_address_is_asked(server, monkeypatch):
    address = f"http://127.0.0.1:{server.server_port}/elsewhere/original"
    monkeypatch.delenv("LSTMLIB_MIRROR")
    server.files["/elsewhere/original"] = CONTENT
    assert fetch(remote("file.bin", CONTENT, address)) == CONTENT


def assert_says_what_to_do_instead(error):
    for words in ("LSTMLIB_DATA", "LSTMLIB_MIRROR", "file.bin", "digits(), need no network"):
        assert words in str(error.value)


def test_a_server_that_is_down(cache):
    with pytest.raises(ConnectionError, match="could not be downloaded") as error:
        fetch(FILE)
    assert_says_what_to_do_instead(error)
    assert names(cache) == []


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses(server, cache, status):
    server.status = status
    with pytest.raises(ConnectionError, match=str(status)) as error:
        fetch(FILE)
    assert_says_what_to_do_instead(error)
    assert names(cache) == []


def test_a_server_that_is_silent(server, cache):
    server.silent = True
    with pytest.raises(ConnectionError, match="timed out") as error:
        fetch(FILE)
    assert_says_what_to_do_instead(error)
    assert names(cache) == []


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"?", CONTENT[:-1], CONTENT + b"?", b"<html>"])
@pytest.mark.parametrize("declares_length", [True, False])
def test_a_server_that_sends_other_bytes(server, cache, content, declares_length):
    server.files["/file.bin"] = content
    server.declares_length = declares_length
    broke_off = len(content) < len(CONTENT) and not declares_length  # cannot be told apart
    with pytest.raises(ConnectionError if broke_off else ValueError, match="300,000") as error:
        fetch(FILE)
    assert_says_what_to_do_instead(error)
    assert names(cache) == (["file.bin.part"] if broke_off else [])
    server.files["/file.bin"] = CONTENT
    if content == b"<html>" and broke_off:  # its 6 bytes were taken for a beginning
        with pytest.raises(ValueError, match="thrown away"):
            fetch(FILE)
    assert fetch(FILE) == CONTENT
    assert names(cache) == ["file.bin"]


@pytest.mark.parametrize("honours_range", [True, False])
@pytest.mark.parametrize("declares_length", [True, False])
def test_a_download_that_breaks_off_is_resumed(server, cache, honours_range, declares_length):
    server.honours_range, server.declares_length = honours_range, declares_length
    server.stop_after = 200_000
    with pytest.raises(ConnectionError) as error:
        fetch(FILE)
    assert_says_what_to_do_instead(error)
    assert names(cache) == ["file.bin.part"]
    have = (cache / "file.bin.part").stat().st_size
    assert 100_000 < have <= 200_000
    server.stop_after = None
    assert fetch(FILE) == CONTENT
    assert server.ranges == [None, f"bytes={have}-"]
    assert names(cache) == ["file.bin"]


def test_a_part_of_another_file_is_thrown_away(server, cache):
    cache.mkdir()
    (cache / "file.bin.part").write_bytes(b"another file")
    with pytest.raises(ValueError, match="thrown away"):
        fetch(FILE)
    assert names(cache) == []
    assert fetch(FILE) == CONTENT


def test_a_server_with_another_file_leaves_the_part_alone(server, cache):
    cache.mkdir()
    (cache / "file.bin.part").write_bytes(CONTENT[:1000])
    server.files["/file.bin"] = CONTENT + b"?"
    with pytest.raises(ValueError, match="Expected 300,000 bytes, got 300,001"):
        fetch(FILE)
    assert (cache / "file.bin.part").read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("more", [0, 5])
def test_a_part_that_is_too_long_is_started_again(server, cache, more):
    cache.mkdir()
    (cache / "file.bin.part").write_bytes(bytes(len(CONTENT) + more))
    assert fetch(FILE) == CONTENT
    assert server.ranges == [None]


def test_an_altered_file_in_the_cache_is_replaced_by_a_good_one_only(server, cache):
    cache.mkdir()
    (cache / "file.bin").write_bytes(CONTENT[:-1])
    server.status = 503
    with pytest.raises(ConnectionError, match="503"):
        fetch(FILE)
    assert (cache / "file.bin").read_bytes() == CONTENT[:-1]
    server.status = None
    assert fetch(FILE) == CONTENT


def test_the_readers_own_folder_comes_first(server, cache, tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("LSTMLIB_DATA", str(own))
    (own / "file.bin").write_bytes(CONTENT)
    assert fetch(FILE) == CONTENT
    assert server.ranges == []
    assert not cache.exists()
    (own / "file.bin").unlink()
    assert fetch(FILE) == CONTENT
    assert server.ranges == [None]


@pytest.mark.parametrize(
    ("content", "kind"), [(CONTENT[:1000], "truncated"), (CONTENT[:-1] + b"?", "altered")]
)
def test_a_wrong_file_in_the_readers_own_folder(server, tmp_path, monkeypatch, content, kind):
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    monkeypatch.setenv("LSTMLIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=f"{kind}: expected 300,000 bytes") as error:
        fetch(FILE)
    assert str(path) in str(error.value)
    assert f"got {len(content):,} bytes" in str(error.value)
    assert server.ranges == []
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_an_error(server, tmp_path, monkeypatch):
    monkeypatch.setenv("LSTMLIB_DATA", str(tmp_path / "mistyped"))
    with pytest.raises(FileNotFoundError, match="mistyped"):
        fetch(FILE)


def test_tiny_shakespeare_is_downloaded_and_verified(server, tiny_text):
    server.files["/tinyshakespeare.txt"] = tiny_text.encode()
    assert tiny_shakespeare() == tiny_text
    assert len(server.ranges) == 1


def test_tiny_shakespeare_of_the_wrong_text_is_refused(server, cache):
    server.files["/tinyshakespeare.txt"] = b"x" * 1_115_394
    with pytest.raises(ValueError, match="86c4e6aa9db7c042"):
        tiny_shakespeare()
    assert names(cache) == []


def test_mnist_reads_its_four_files(server, monkeypatch):
    rng = np.random.default_rng(0)
    arrays = {
        "train_images": rng.integers(0, 256, (60, 28, 28), dtype=np.uint8),
        "train_labels": rng.integers(0, 10, 60, dtype=np.uint8),
        "test_images": rng.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        "test_labels": rng.integers(0, 10, 10, dtype=np.uint8),
    }
    for part, array in arrays.items():
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        content = gzip.compress(header + array.tobytes())
        name = MNIST[part].name
        server.files[f"/{name}"] = content
        monkeypatch.setitem(MNIST, part, remote(name, content))
    got = mnist()
    for part, array in arrays.items():
        np.testing.assert_array_equal(getattr(got, part), array)
    assert len(server.ranges) == 4


@pytest.mark.parametrize("name", ["shakespeare", "digits"])
def test_an_embedded_file_is_the_one_of_its_card(name):
    card = json.loads((EMBEDDED / f"{name}.json").read_text(encoding="utf-8"))
    data = (EMBEDDED / card["file"]).read_bytes()
    assert len(data) == card["bytes"]
    assert hashlib.sha256(data).hexdigest() == card["sha256"]
    assert {"version", "sha256", "licence", "original_licence"} <= set(card["source"])
    if name == "digits":
        read = digits()
        counts = np.bincount(read.train_labels) + np.bincount(read.test_labels)
        assert card["counts"] == {str(k): n for k, n in enumerate(counts)}
        assert (
            0
            < card["mean_ink"]
            == round(float(np.concatenate([read.train_images, read.test_images]).mean()), 4)
        )
    else:
        text = shakespeare()
        assert card["alphabet"] == "".join(sorted(set(text)))
        assert card["counts"] == {c: text.count(c) for c in card["alphabet"]}
        assert sum(card["plays"].values()) == len(text) == card["characters"]


@pytest.mark.parametrize(
    ("name", "load"), [("shakespeare.txt", shakespeare), ("digits.npz", digits)]
)
@pytest.mark.parametrize("kind", ["truncated", "altered"])
def test_a_damaged_embedded_file_is_refused(tmp_path, monkeypatch, name, load, kind):
    shutil.copytree(EMBEDDED, tmp_path / "embedded")
    path = tmp_path / "embedded" / name
    data = path.read_bytes()
    path.write_bytes(data[:-100] if kind == "truncated" else data[:500] + b"?" + data[501:])
    monkeypatch.setattr(download, "EMBEDDED", tmp_path / "embedded")
    with pytest.raises(ValueError, match=f"{name} is {kind}: expected {len(data):,} bytes"):
        load()
