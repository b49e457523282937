"""Data files: embedded, in the reader's own folder, cached or downloaded; verified before use.

Two environment variables say where to look:

``LSTMLIB_DATA``
    a folder with files the reader has put there; looked into first.
``LSTMLIB_MIRROR``
    an address to download from in place of the original ones; the name of the file is appended.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

EMBEDDED = Path(__file__).parent / "embedded"
TIMEOUT = (10.0, 30.0)  # seconds without a connection, seconds without a byte


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Parameters
    ----------
    name
        What it is called in ``LSTMLIB_DATA``, on a mirror and in the cache.
    url
        Its original address.
    size
        Its length in bytes.
    known_hash
        ``algorithm:hexdigest``.
    """

    name: str
    url: str
    size: int
    known_hash: str


TINY_SHAKESPEARE = RemoteFile(
    "tinyshakespeare.txt",
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    1_115_394,
    "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)

_MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST = {
    part: RemoteFile(name, _MNIST_URL + name, size, known_hash)
    for part, name, size, known_hash in (
        (
            "train_images",
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
        ),
        (
            "train_labels",
            "train-labels-idx1-ubyte.gz",
            28_881,
            "md5:d53e105ee54ea40749a09fcbcd1e9432",
        ),
        (
            "test_images",
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "md5:9fb629c4189551a2d022fa330f9573f3",
        ),
        (
            "test_labels",
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "md5:ec29112dd5afa0611ce80d1b7f02629c",
        ),
    )
}


def read_embedded(name: str) -> bytes:
    """Return the bytes of the embedded file ``name``, verified against its data card.

    Raises
    ------
    ValueError
        If size or SHA-256 are not those of the card: the file is truncated or altered.
    """
    path = EMBEDDED / name
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return _verified(path, card["bytes"], "sha256:" + card["sha256"])


def fetch(file: RemoteFile) -> bytes:
    """Return the bytes of ``file`` from ``LSTMLIB_DATA``, from the cache, or from the network.

    A download that breaks off leaves what it got in the cache as ``NAME.part``, and the next call
    goes on from there. Only a file of the right size and hash is given its own name.

    Raises
    ------
    FileNotFoundError
        If ``LSTMLIB_DATA`` is not a folder.
    ValueError
        If the file in ``LSTMLIB_DATA``, or what the server sent, is not the file expected.
    ConnectionError
        If the download fails; the message says what to do instead.
    """
    if folder := os.environ.get("LSTMLIB_DATA"):
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"LSTMLIB_DATA is {folder!r}, which is not a folder")
        path = Path(folder) / file.name
        if path.exists():
            return _verified(path, file.size, file.known_hash)
    return _verified(_cached(file), file.size, file.known_hash)


def _verified(path: Path, size: int, known_hash: str) -> bytes:
    data = path.read_bytes()
    algorithm, expected = known_hash.split(":")
    got = hashlib.new(algorithm, data).hexdigest()
    if len(data) != size or got != expected:
        kind = "truncated" if len(data) < size else "altered"
        raise ValueError(
            f"{path} is {kind}: expected {size:,} bytes with {algorithm} {expected}, "
            f"got {len(data):,} bytes with {algorithm} {got}. Replace it with a good copy."
        )
    return data


def _cached(file: RemoteFile) -> Path:
    """Return the path of the file in the cache, downloading it first where it is not there."""
    import pooch  # here, because it imports requests, which only a download needs

    mirror = os.environ.get("LSTMLIB_MIRROR")
    url = f"{mirror.rstrip('/')}/{file.name}" if mirror else file.url
    cache = Path(pooch.os_cache("lstmlib"))

    def download(url: str, output_file: str, _: object) -> None:
        part = cache / f"{file.name}.part"
        _resume(url, part, file)
        part.replace(output_file)

    try:
        return Path(pooch.retrieve(url, file.known_hash, file.name, cache, downloader=download))
    except ValueError as error:  # pooch's, for a hash that does not match, or one of _resume's
        raise ValueError(
            f"{url} did not send {file.name} ({file.size:,} bytes with {file.known_hash}); "
            f"what it sent was thrown away. {error} {_instead(file)}"
        ) from error


def _resume(url: str, part: Path, file: RemoteFile) -> None:
    """Download ``url`` to ``part``, going on where an earlier download broke off."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    if have >= file.size:  # whole but never put in place, or not a part of this file: start again
        have = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                have = 0  # the server sends the whole file
            length = response.headers.get("Content-Length")
            if length is not None and have + int(length) != file.size:
                raise ValueError(f"Expected {file.size:,} bytes, got {have + int(length):,}.")
            with part.open("ab" if have else "wb") as out:
                for chunk in response.iter_content(chunk_size=1 << 14):
                    out.write(chunk)
                    have += len(chunk)
                    if have > file.size:
                        break  # another file; the hash will say so
    except requests.RequestException as error:
        raise ConnectionError(
            f"{url} could not be downloaded: {error}. {_instead(file)}"
        ) from error
    if have < file.size:
        raise ConnectionError(
            f"{url} broke off after {have:,} of {file.size:,} bytes. {_instead(file)}"
        )


def _instead(file: RemoteFile) -> str:
    return (
        f"Try again (a download goes on where it broke off), or put {file.name} into a folder "
        "and set LSTMLIB_DATA to that folder, or set LSTMLIB_MIRROR to the address of a mirror. "
        "The embedded data, shakespeare() and digits(), need no network."
    )
