"""Nothing of a tar lands outside of its folder."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import unittest
from typing import Callable

from muster_runtime import unpack_folder as module
from muster_runtime.problem import Problem
from muster_runtime.unpack_folder import unpack_folder


class UnpackFolderTest(unittest.TestCase):
    def setUp(self) -> None:
        self.home = os.getcwd()
        self.folder = tempfile.mkdtemp()
        os.chdir(self.folder)

    def tearDown(self) -> None:
        os.chdir(self.home)
        shutil.rmtree(self.folder)

    def tar(self, fill: Callable[[tarfile.TarFile], None]) -> str:
        path = os.path.join(self.folder, "model.tar")
        with tarfile.open(path, "w") as archive:
            fill(archive)
        return path

    def refused(self, fill: Callable[[tarfile.TarFile], None]) -> str:
        with self.assertRaises(Problem) as caught:
            unpack_folder(self.tar(fill))
        self.assertEqual(caught.exception.code, "model_unloadable")
        return caught.exception.detail

    def test_files_and_folders_come_out_as_they_went_in(self) -> None:
        def fill(archive: tarfile.TarFile) -> None:
            add(archive, "MLmodel", b"a")
            add(archive, "./data/model.pkl", b"b" * 10_000)

        folder = unpack_folder(self.tar(fill))
        with open(os.path.join(folder, "data", "model.pkl"), "rb") as file:
            self.assertEqual(file.read(), b"b" * 10_000)

    def test_a_single_folder_is_stepped_into(self) -> None:
        folder = unpack_folder(self.tar(lambda archive: add(archive, "outer/MLmodel", b"a")))
        self.assertEqual(os.listdir(folder), ["MLmodel"])

    def test_what_would_lie_elsewhere_is_refused(self) -> None:
        for name in ("/etc/x", "../x", "a/../../x"):
            self.assertIn("outside", self.refused(lambda archive, name=name: add(archive, name, b"")))

    def test_links_and_devices_are_refused(self) -> None:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):

            def fill(archive: tarfile.TarFile, kind: bytes = kind) -> None:
                entry = tarfile.TarInfo("link")
                entry.type, entry.linkname = kind, "/etc/passwd"
                archive.addfile(entry)
                add(archive, "link/x", b"")

            self.assertIn("neither a file nor a folder", self.refused(fill))

    def test_a_file_twice_is_refused(self) -> None:
        self.refused(lambda archive: [add(archive, "a", b"1"), add(archive, "a", b"2")])

    def test_too_much_is_refused(self) -> None:
        for limit, value in (("MAX_ENTRIES", 1), ("MAX_BYTES", 3)):
            kept = getattr(module, limit)
            setattr(module, limit, value)
            try:
                self.refused(lambda archive: [add(archive, "a", b"12"), add(archive, "b", b"34")])
            finally:
                setattr(module, limit, kept)

    def test_what_is_no_tar_is_refused(self) -> None:
        with open("x.tar", "wb") as file:
            file.write(b"no tar" * 1000)
        with self.assertRaises(Problem):
            unpack_folder("x.tar")


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    unittest.main()
