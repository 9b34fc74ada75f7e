"""A file system of a few megabytes that can be filled up: a tmpfs, so root is needed."""

import pathlib
import subprocess

PIECE = b"\0" * 65536


class SmallDisk:
    def __init__(self, folder, megabytes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "opslab-chaos", self.folder],
            check=True,
        )
        self.filler = self.folder / "filler"

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            for piece in (PIECE, b"\0"):
                try:
                    while True:
                        if file.write(piece) < len(piece):
                            break
                except OSError:
                    pass

    def empty(self):
        self.filler.unlink(missing_ok=True)

    def remove(self):
        self.empty()
        # whatever still has a file open there must not keep the run from ending
        subprocess.run(["umount", "--lazy", self.folder], check=False)
