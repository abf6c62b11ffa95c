"""Build what a cluster needs into ``dist/``: a wheel, a zip for ``--py-files``, an environment for ``--archives``.

The environment is a virtual environment of the driver's packages that works wherever it is unpacked. It brings no
Python of its own, only a link to the one of the machine, and no Spark: the cluster has both. Executors need neither.
"""

from __future__ import annotations

import argparse
import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def pip(*arguments: str | Path) -> None:
    """Run this Python's pip."""
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def build_wheel(folder: Path) -> Path:
    """The project as a wheel in `folder`."""
    pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


def zip_package(wheel: Path, target: Path) -> None:
    """The package inside `wheel`, and nothing else; names sorted and times fixed, so that the same code is the same
    file.
    """
    with zipfile.ZipFile(wheel) as built, zipfile.ZipFile(target, "w") as archive:
        for name in sorted(built.namelist()):
            if name.startswith("segmentation/"):
                archive.writestr(zipfile.ZipInfo(name), built.read(name), zipfile.ZIP_DEFLATED)


def install_packages(folder: Path, constraints: Path) -> None:
    """The packages that the driver imports, without Spark's own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [need for need in project["dependencies"] if not need.startswith(("pyspark", "delta-spark"))]
    install = ("install", "--no-compile", "--target", folder, "--constraint", constraints)
    pip(*install, *needed)
    # Delta's package would bring Spark's along.
    pip(*install, "--no-deps", "delta-spark")


def pack_environment(packages: Path, python: str, target: Path) -> None:
    """`packages` as a virtual environment whose Python is a link to `python`; order, times and owners fixed."""
    with gzip.GzipFile(target, "wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        folder = tarfile.TarInfo("bin")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        link = tarfile.TarInfo("bin/python")
        link.type, link.linkname = tarfile.SYMTYPE, python
        archive.addfile(link)
        config = f"home = {Path(python).parent}\ninclude-system-site-packages = false\n"
        add_file(archive, "pyvenv.cfg", config.encode())
        for path in sorted(packages.rglob("*")):
            name = path.relative_to(packages)
            # Commands of packages carry the path of this machine's Python.
            if path.is_file() and name.parts[0] != "bin":
                add_file(archive, f"lib/{PYTHON}/site-packages/{name.as_posix()}", path.read_bytes())


def add_file(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add one file to `archive`."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def main(arguments: list[str] | None = None) -> int:
    """Parse, build."""
    parser = argparse.ArgumentParser(description="Build a wheel, a zip and an environment into dist/.")
    parser.add_argument("--constraint", type=Path, default=ROOT / "conf" / "constraints.txt", metavar="FILE")
    parser.add_argument(
        "--python", default=f"/usr/bin/{PYTHON}", metavar="PATH", help=f"where the cluster has {PYTHON} (%(default)s)"
    )
    options = parser.parse_args(arguments)
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    zip_package(build_wheel(dist), dist / "segmentation.zip")
    with tempfile.TemporaryDirectory() as folder:
        install_packages(Path(folder), options.constraint)
        pack_environment(Path(folder), options.python, dist / "environment.tar.gz")
    for path in sorted(dist.iterdir()):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
