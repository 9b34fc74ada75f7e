"""An image with this machine's own Python, made from nothing pulled: for drivers that are Python."""

import io
import pathlib
import shutil
import subprocess
import tarfile

SHELL_TOOLS = (
    "sh cat ls grep find tr sed head id env echo touch sleep seq readlink true kill mkdir wc ps"
).split()
PASSWD = "root:x:0:0::/root:/bin/sh\nagent:x:1000:1000::/home/agent:/bin/sh\n"


def libraries_of(program):
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return {word for word in told.split() if word.startswith("/")}


def make_image(name, folders):
    """`folders`: place in the image to folder of this machine. Needs the docker command, Debian's python3
    and a static busybox."""
    python = pathlib.Path("/usr/bin/python3").resolve()
    modules = pathlib.Path("/usr/lib") / python.name
    libraries = libraries_of(python)
    for module in (modules / "lib-dynload").glob("*.so"):
        libraries |= libraries_of(module)
    with subprocess.Popen(
        ["docker", "import", "--change", "ENV PATH=/usr/bin:/bin", "-", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as load, tarfile.open(fileobj=load.stdin, mode="w|", dereference=True) as archive:
        archive.add(python, "usr/bin/python3")
        archive.add(modules, str(modules)[1:], filter=_no_caches)
        for library in sorted(libraries):
            archive.add(library, library[1:])
        archive.add(shutil.which("busybox"), "bin/busybox")
        for place, folder in folders.items():
            archive.add(folder, place, filter=_no_caches)
        for tool in SHELL_TOOLS:
            link = tarfile.TarInfo(f"bin/{tool}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        passwd = tarfile.TarInfo("etc/passwd")
        passwd.size = len(PASSWD)
        archive.addfile(passwd, io.BytesIO(PASSWD.encode()))
        tmp = tarfile.TarInfo("tmp")
        tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(tmp)
    if load.returncode != 0:
        raise RuntimeError("docker import failed")
    return name


def _no_caches(entry):
    entry.uid = entry.gid = 0
    skipped = "__pycache__" in entry.name or "/test/" in entry.name
    return None if skipped else entry
