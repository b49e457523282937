import gzip
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from lstmlib.data import RowBatches, digits, distort, rows
from lstmlib.data.digits import read_idx


@pytest.fixture(scope="module")
def embedded():
    return digits()


def idx(array):
    """The bytes of an IDX file."""
    axes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + axes + array.astype(np.uint8).tobytes()


def test_the_embedded_digits_are_400_and_100_of_each_class(embedded):
    assert embedded.train_images.shape == (4000, 28, 28)
    assert embedded.test_images.shape == (1000, 28, 28)
    assert embedded.train_images.dtype == embedded.test_images.dtype == np.uint8
    assert embedded.train_labels.dtype == embedded.test_labels.dtype == np.uint8
    assert np.bincount(embedded.train_labels).tolist() == [400] * 10
    assert np.bincount(embedded.test_labels).tolist() == [100] * 10


def test_no_test_digit_is_a_training_digit(embedded):
    train = {image.tobytes() for image in embedded.train_images}
    test = {image.tobytes() for image in embedded.test_images}
    assert len(train) == 4000
    assert len(test) == 1000
    assert not train & test


def test_the_labels_belong_to_the_images(embedded):
    """The nearest class mean finds most labels; with shifted labels it would find a tenth."""
    x = embedded.train_images.reshape(-1, 784).astype(float)
    means = np.stack([x[embedded.train_labels == k].mean(0) for k in range(10)])
    test = embedded.test_images.reshape(-1, 784).astype(float)
    nearest = ((test[:, None] - means) ** 2).sum(-1).argmin(1)
    assert (nearest == embedded.test_labels).mean() > 0.75


def test_step_t_of_a_sequence_is_row_t(embedded):
    x = rows(embedded.test_images[:5])
    assert x.shape == (28, 5, 28)
    assert x.dtype == np.float32
    for n in range(5):
        for t in range(28):
            expected = embedded.test_images[n, t].astype(np.float32) / np.float32(255)
            np.testing.assert_array_equal(x[t, n], expected)


@pytest.mark.parametrize("function", [rows, lambda x: distort(x, np.random.default_rng(0))])
@pytest.mark.parametrize(
    "images",
    [
        np.zeros((28, 5, 28), np.uint8),
        np.zeros((28, 28), np.uint8),
        np.zeros((5, 784), np.uint8),
        np.zeros((5, 28, 28), np.float32),
        np.zeros((5, 28, 28), np.int64),
    ],
)
def test_images_of_another_shape_or_dtype_are_refused(function, images):
    with pytest.raises(TypeCheckError, match=r"N 28 28") as error:
        function(images)
    assert ",".join(map(str, images.shape)) in str(error.value)


def affine(images, rng, rotation, scale, shear, shift):
    """The map of distort, a pixel at a time in float64."""
    N = len(images)
    angle, height, width, slant, down, across = rng.uniform(-1, 1, (6, N))
    out = np.zeros((N, 28, 28))
    for n in range(N):
        cos, sin = np.cos(np.deg2rad(angle[n] * rotation)), np.sin(np.deg2rad(angle[n] * rotation))
        stretch = np.diag([1 + height[n] * scale, 1 + width[n] * scale])
        A = stretch @ np.array([[cos, -sin], [sin, cos]]) + [[0, 0], [slant[n] * shear, 0]]
        for i in range(28):
            for j in range(28):
                place = A @ [i - 13.5, j - 13.5] + 13.5 + np.array([down[n], across[n]]) * shift
                y, x = place
                for r in (int(np.floor(y)), int(np.floor(y)) + 1):
                    for c in (int(np.floor(x)), int(np.floor(x)) + 1):
                        if 0 <= r < 28 and 0 <= c < 28:
                            weight = (1 - abs(y - r)) * (1 - abs(x - c))
                            out[n, i, j] += weight * images[n, r, c]
    return out


@pytest.mark.parametrize(
    "sizes",
    [
        {"rotation": 25, "scale": 0, "shear": 0, "shift": 0},
        {"rotation": 0, "scale": 0.3, "shear": 0, "shift": 0},
        {"rotation": 0, "scale": 0, "shear": 0.3, "shift": 0},
        {"rotation": 0, "scale": 0, "shear": 0, "shift": 6},
        {"rotation": 15, "scale": 0.2, "shear": 0.2, "shift": 20},
    ],
)
def test_distort_agrees_with_a_plain_loop(sizes):
    images = np.random.default_rng(1).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    expected = affine(images, np.random.default_rng(7), **sizes)
    got = distort(images, np.random.default_rng(7), **sizes)
    assert np.abs(got - expected).max() < 0.501  # rounded to whole numbers, in float32
    assert np.abs(images - expected).max() > 50


@given(st.integers(0, 2**32), st.integers(0, 6))
def test_distort_by_nothing_changes_nothing(seed, n):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    np.testing.assert_array_equal(
        distort(images, rng, rotation=0, scale=0, shear=0, shift=0), images
    )


def test_distort_moves_each_image_its_own_way_and_by_the_generator_alone(embedded):
    images = np.repeat(embedded.train_images[:1], 8, axis=0)
    before = images.copy()
    one = distort(images, np.random.default_rng(3))
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(one, distort(images, np.random.default_rng(3)))
    assert len({image.tobytes() for image in one}) == 8


@pytest.mark.timing
def test_distort_is_fast_enough_to_train_with(embedded):
    images, rng, times = embedded.train_images[:64], np.random.default_rng(0), []
    for _ in range(20):
        start = time.perf_counter()
        distort(images, rng)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.015


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 5))
def test_an_epoch_has_each_image_once_with_its_label(n, batch_size, k):
    images = np.random.default_rng(0).integers(0, 256, (n, 28, 28), dtype=np.uint8)
    labels = np.arange(n)
    for seed in (None, 5):
        batches = RowBatches(images, labels, batch_size, seed=seed)
        epoch = list(batches.epoch(k))
        assert len(epoch) == len(batches) == -(-n // batch_size)
        assert all(x.shape == (28, len(y), 28) for x, y in epoch)
        assert all(len(y) == batch_size for _, y in epoch[:-1])
        y = np.concatenate([y for _, y in epoch])
        assert y.dtype == np.int64
        assert sorted(y.tolist()) == labels.tolist()
        x = np.concatenate([x for x, _ in epoch], axis=1)
        np.testing.assert_array_equal(x, rows(images[y]))
        if seed is None:
            assert y.tolist() == labels.tolist()


def test_an_epoch_depends_on_seed_and_k_alone(embedded):
    def epoch(seed, k, augment=distort):
        batches = RowBatches(
            embedded.test_images, embedded.test_labels, 128, seed=seed, augment=augment
        )
        return np.concatenate([x for x, _ in batches.epoch(k)], axis=1)

    np.testing.assert_array_equal(epoch(1, 3), epoch(1, 3))
    for other in (epoch(1, 4), epoch(2, 3), epoch(1, 3, augment=None)):
        assert (epoch(1, 3) != other).any()
    batches = RowBatches(embedded.test_images, embedded.test_labels, 128, seed=1, augment=distort)
    for k in (0, 1, 2):
        list(batches.epoch(k))
    later = np.concatenate([x for x, _ in batches.epoch(3)], axis=1)
    np.testing.assert_array_equal(later, epoch(1, 3))


def test_bad_row_batches_are_refused():
    images, labels = np.zeros((5, 28, 28), np.uint8), np.zeros(5, np.uint8)
    with pytest.raises(ValueError, match="got 0 images"):
        RowBatches(images[:0], labels[:0], 2)
    with pytest.raises(ValueError, match="got 5 images, 0"):
        RowBatches(images, labels, 0)
    with pytest.raises(ValueError, match="expected a seed"):
        RowBatches(images, labels, 2, augment=distort)
    with pytest.raises(TypeCheckError, match="labels"):
        RowBatches(images, labels[:4], 2)
    with pytest.raises(TypeCheckError, match="labels"):
        RowBatches(images, labels.astype(float), 2)
    with pytest.raises(TypeCheckError, match="images"):
        RowBatches(images.reshape(28, 5, 28), labels, 2)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans())
def test_an_idx_file_gives_back_its_array(shape, gzipped):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    data = gzip.compress(idx(array), mtime=0) if gzipped else idx(array)
    got = read_idx(data)
    assert got.dtype == np.uint8
    assert got.flags.writeable
    np.testing.assert_array_equal(got, array)


GOOD = idx(np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "magic"),
        (GOOD[:3], "magic"),
        (b"\x89PNG", "magic number 00 00 08 .* got 89 50 4e 47"),
        (b"\0\0\x0d\x01" + GOOD[4:], "magic number 00 00 08 .* got 00 00 0d 01"),
        (b"\0\0\x08\0", "0 axes"),
        (GOOD[:10], "header of 16 bytes for 3 axes, got 10 bytes"),
        (GOOD[:-1], r"24 entries for shape \(2, 3, 4\), got 23"),
        (GOOD + b"\0", r"24 entries for shape \(2, 3, 4\), got 25"),
        (GOOD[:4] + b"\xff" * 12, "got 0"),
        (gzip.compress(GOOD, mtime=0)[:-9], "whole gzip file"),
        (gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8, "whole gzip file"),
        (gzip.compress(GOOD, mtime=0)[:10] + b"\xff" * 20, "whole gzip file"),
    ],
)
def test_a_file_that_is_no_idx_file_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read_idx(data)
