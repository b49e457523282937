"""Handwritten digits as sequences of rows, with small distortions as augmentation."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, Integer, UInt8

from lstmlib._shapes import checked
from lstmlib.data.download import MNIST, fetch, read_embedded


@dataclass(frozen=True)
class Digits:
    """Images (N, 28, 28), 0 for paper and 255 for ink, and labels (N,) from 0 to 9; all uint8."""

    train_images: UInt8[np.ndarray, "N 28 28"]
    train_labels: UInt8[np.ndarray, "N"]
    test_images: UInt8[np.ndarray, "M 28 28"]
    test_labels: UInt8[np.ndarray, "M"]


def digits() -> Digits:
    """Return the embedded 5,000 digits of MNIST, 4,000 to train and 1,000 to test.

    Of each class the first 400 train and the last 100 test; both parts are sorted by class. The
    data card beside the file, ``embedded/digits.json``, tells where they come from.

    Raises
    ------
    ValueError
        If the embedded file is truncated or altered.
    """
    with np.load(io.BytesIO(read_embedded("digits.npz")), allow_pickle=False) as file:
        images = file["images"].reshape(10, 500, 28, 28)
        labels = file["labels"].reshape(10, 500)
    return Digits(
        images[:, :400].reshape(-1, 28, 28),
        labels[:, :400].reshape(-1),
        images[:, 400:].reshape(-1, 28, 28),
        labels[:, 400:].reshape(-1),
    )


def mnist() -> Digits:
    """Return all of MNIST: 60,000 digits to train, 10,000 to test.

    The four gzipped IDX files are taken from the folder ``LSTMLIB_DATA``, from the cache, or
    downloaded.

    Raises
    ------
    ValueError
        If a file is truncated or altered.
    ConnectionError
        If one has to be downloaded and cannot be.
    """
    return Digits(**{part: read_idx(fetch(file)) for part, file in MNIST.items()})


def read_idx(data: bytes) -> UInt8[np.ndarray, "..."]:
    """Return the array of an IDX file of unsigned bytes, gzipped or not.

    The format: two zero bytes, the type (8 for unsigned bytes), the number of axes, the length
    of each axis as a big-endian 32-bit integer, then the entries.

    Raises
    ------
    ValueError
        If the magic number, the axes or the number of entries are not those of such a file.
    """
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"expected a whole gzip file, got: {error}") from error
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise ValueError(
            f"expected the magic number 00 00 08 and the axes, got {data[:4].hex(' ')}"
        )
    axes = data[3]
    start = 4 + 4 * axes
    if axes == 0 or len(data) < start:
        raise ValueError(
            f"expected a header of {start} bytes for {axes} axes, got {len(data)} bytes"
        )
    shape = tuple(np.frombuffer(data, ">u4", axes, 4).tolist())
    entries = int(np.prod(shape, dtype=object))
    if len(data) - start != entries:
        raise ValueError(f"expected {entries} entries for shape {shape}, got {len(data) - start}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


@checked
def rows(images: UInt8[np.ndarray, "N 28 28"]) -> Float32[np.ndarray, "28 N 28"]:
    """Return images as sequences: step t is row t of each image, from 0 (paper) to 1 (ink)."""
    x = np.ascontiguousarray(images.transpose(1, 0, 2), dtype=np.float32)
    return x / np.float32(255)  # eq-digits-rows


@checked
def distort(
    images: UInt8[np.ndarray, "N 28 28"],
    rng: np.random.Generator,
    *,
    rotation: float = 10,
    scale: float = 0.1,
    shear: float = 0.1,
    shift: float = 2,
) -> UInt8[np.ndarray, "N 28 28"]:
    """Return each image under its own small random affine map about its centre.

    Parameters
    ----------
    images
        (N, 28, 28).
    rng
        Where the maps come from.
    rotation, scale, shear, shift
        How far each goes at most, either way: degrees; the relative change of height and of width,
        each its own; columns of slant a row; pixels, down and across. All zero leaves the images
        as they are.

    Returns
    -------
    (N, 28, 28)
        Bilinear interpolation of the images, with paper around them.

    Equation: eq-digits-affine.
    """
    N = len(images)
    angle, height, width, slant, down, across = rng.uniform(-1, 1, (6, N, 1, 1)).astype(np.float32)
    angle = angle * np.float32(np.deg2rad(rotation))
    cos, sin = np.cos(angle), np.sin(angle)
    height, width, slant = 1 + height * scale, 1 + width * scale, slant * shear

    # Where the pixel at (y, x) from the centre comes from, in images padded with paper:
    # 1 pixel before, 2 after.
    y = np.arange(28, dtype=np.float32)[:, None] - np.float32(13.5)
    x = np.arange(28, dtype=np.float32) - np.float32(13.5)
    from_y = height * (cos * y - sin * x) + (14.5 + down * shift)
    from_x = width * (sin * y + cos * x) + (slant * y + (14.5 + across * shift))
    from_y, from_x = from_y.clip(0, 29), from_x.clip(0, 29)

    # Bilinear interpolation between the four pixels around that place.
    padded = np.zeros((N, 31, 31), np.float32)
    padded[:, 1:29, 1:29] = images
    top, left = from_y.astype(np.intp), from_x.astype(np.intp)
    a, b = from_y - top.astype(np.float32), from_x - left.astype(np.float32)
    corner = (np.arange(N)[:, None, None] * 31 + top) * 31 + left
    pixel = padded.ravel()
    upper = (1 - b) * pixel[corner] + b * pixel[corner + 1]
    lower = (1 - b) * pixel[corner + 31] + b * pixel[corner + 32]
    return np.rint((1 - a) * upper + a * lower).astype(np.uint8)


class RowBatches:
    """Batches of digits as sequences of rows.

    Parameters
    ----------
    images, labels
        (N, 28, 28) and (N,).
    batch_size
        B. The last batch of an epoch has the images that are left.
    seed
        Given, each epoch has its own order, the same for the same seed and epoch. Otherwise the
        images come in their own order.
    augment
        ``augment(images, rng)``, applied to each batch; needs a seed.

    Raises
    ------
    ValueError
        If there is no image, ``batch_size`` is below 1, or ``augment`` comes without a seed.
    """

    @checked
    def __init__(
        self,
        images: UInt8[np.ndarray, "N 28 28"],
        labels: Integer[np.ndarray, "N"],
        batch_size: int,
        *,
        seed: int | None = None,
        augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    ) -> None:
        if len(images) == 0 or batch_size < 1:
            raise ValueError(
                f"expected images and batch_size >= 1, got {len(images)} images, {batch_size}"
            )
        if augment is not None and seed is None:
            raise ValueError("expected a seed for the randomness of augment, got None")
        self.images, self.labels = images, labels.astype(np.int64)
        self.batch_size, self.seed, self.augment = batch_size, seed, augment

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return -(-len(self.images) // self.batch_size)

    def epoch(
        self, k: int
    ) -> Iterator[tuple[Float32[np.ndarray, "28 B 28"], Int64[np.ndarray, "B"]]]:
        """Yield (rows, labels); the order and the augmentation depend on (seed, k) alone."""
        order = np.arange(len(self.images))
        if self.seed is not None:
            rng = np.random.default_rng((self.seed, k))
            rng.shuffle(order)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            images = self.images[batch]
            if self.augment is not None:
                images = self.augment(images, rng)
            yield rows(images), self.labels[batch]
