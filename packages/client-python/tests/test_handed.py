"""Files and folders as they are handed over."""

import hashlib
import os
import tarfile

import pytest

from muster import MusterError
from muster._handed import handed


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "model"
    (root / "code/__pycache__").mkdir(parents=True)
    (root / "code/__pycache__/x.pyc").write_bytes(b"x")
    (root / "code/b.py").write_text("B = 1\n")
    (root / "a.txt").write_text("ä")
    (root / ("n" * 150)).write_text("long")
    return root


def test_a_folder_is_one_tar_sorted_and_without_times(folder):
    with handed(folder) as file, tarfile.open(file.path) as archive:
        entries = archive.getmembers()
        assert [entry.name for entry in entries] == ["a.txt", "code", "code/b.py", "n" * 150]
        assert {(entry.mtime, entry.uid, entry.uname) for entry in entries} == {(0, 0, "")}
        assert archive.extractfile("code/b.py").read() == b"B = 1\n"


def test_the_same_content_is_the_same_file(folder):
    with handed(folder) as first:
        pass
    os.utime(folder / "a.txt", (1, 1))
    (folder / "a.txt").chmod(0o755)
    with handed(folder) as second:
        assert second.sha256 == first.sha256
        assert hashlib.sha256(second.path.read_bytes()).hexdigest() == second.sha256
    assert not second.path.exists()


def test_links_travel_as_the_files_they_lead_to(folder, tmp_path):
    (tmp_path / "blob").write_text("weights")
    (folder / "weights.bin").symlink_to(tmp_path / "blob")
    with handed(folder) as file, tarfile.open(file.path) as archive:
        assert archive.getmember("weights.bin").isreg()
        assert archive.extractfile("weights.bin").read() == b"weights"


def test_what_is_no_file_is_refused(folder, tmp_path):
    os.mkfifo(folder / "pipe")
    with pytest.raises(MusterError, match="neither a file nor a folder"), handed(folder):
        pass
    with pytest.raises(MusterError, match="there is no file or folder"), handed(tmp_path / "absent"):
        pass
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(MusterError, match="is empty"), handed(tmp_path / "empty.onnx"):
        pass


def test_a_file_goes_as_it_is(folder):
    with handed(folder / "a.txt") as file:
        assert (file.path, file.size_bytes) == (folder / "a.txt", 2)
