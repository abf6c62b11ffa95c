"""A copy of one publication: a folder with the files of an output, and a manifest that says which they are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from segmentation.errors import ConfigError
from segmentation.locations import is_hidden, last_name
from segmentation.state.output import Output

MANIFEST = "backup.json"
LAYOUT = 1
BLOCK = 8 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup is.

    Attributes:
        run_id: whose publication it is.
        as_of: the day that its labels are seen from.
        made_at: when it was made.
        files: digest by path below the folder.
        layout: of this manifest.
    """

    run_id: str
    as_of: str
    made_at: str
    files: Mapping[str, str]
    layout: int = LAYOUT

    def write(self, folder: Path) -> None:
        """Put it beside the files, which makes a backup of them."""
        with (folder / MANIFEST).open("w", encoding="utf-8") as out:
            json.dump(asdict(self), out, indent=1)
            _synced(out.fileno())


def manifest_of(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        ConfigError: there is none, or none that this version of the program knows.
    """
    try:
        found = Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} is no backup: it holds no {MANIFEST}. Name a folder that `segmentation backup --to` has made."
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{folder / MANIFEST} cannot be read ({error}). Take another backup.") from None
    if found.layout != LAYOUT:
        raise ConfigError(
            f"{folder} has layout {found.layout}, expected {LAYOUT}: restore it with the program that made it."
        )
    return found


def names_in(output: Output, root: Path) -> list[str]:
    """All files of an output, by their paths below it, but for those that runs work with."""
    kept = [entry for entry in sorted(root.iterdir()) if _is_published(output, entry.name)]
    return [str(file.relative_to(root)) for entry in kept for file in _below(entry)]


def copied(source: Path, target: Path, names: Iterable[str]) -> dict[str, str]:
    """Copy files below one folder to another, down to the disk.

    Returns:
        The digest of each, by name.

    Raises:
        OSError: one cannot be read, or not be written.
    """
    digests = {name: _copied(source / name, target / name) for name in names}
    for folder, _, _ in os.walk(target):
        sync(Path(folder))
    return digests


def sync(folder: Path) -> None:
    """Let names in a folder reach the disk, so that they outlast a loss of power."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        _synced(opened)
    finally:
        os.close(opened)


def _copied(source: Path, target: Path) -> str:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(digest_size=16)
    with source.open("rb") as given, target.open("wb") as taken:
        while block := given.read(BLOCK):
            digest.update(block)
            taken.write(block)
        taken.flush()
        _synced(taken.fileno())
    return digest.hexdigest()


def _synced(opened: int) -> None:
    os.fsync(opened)


def _is_published(output: Output, name: str) -> bool:
    return name != MANIFEST and (not is_hidden(name) or name == last_name(output.sales_file))


def _below(entry: Path) -> Iterator[Path]:
    if not entry.is_dir():
        yield entry
        return
    yield from (Path(folder, name) for folder, _, names in os.walk(entry, followlinks=True) for name in sorted(names))
