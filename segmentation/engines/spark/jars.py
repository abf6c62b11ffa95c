"""Jars that were resolved once, so that local mode need not ask a registry at each start.

Spark resolves `spark.jars.packages` at every start, which takes seconds and a network. The first start in local mode
leaves a note of what was resolved in the user's cache folder; later ones put those files on the class path. Where the
cache folder cannot be used, or a file is gone, packages are resolved as ever.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyspark


def cache_folder() -> Path:
    """Where this user's caches lie."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "customer-segmentation"


def known_jars(coordinates: Iterable[str]) -> list[str] | None:
    """The jars that these packages were resolved to, None if that is not known or one of them is gone."""
    try:
        jars = json.loads(_note(coordinates).read_text())
    except (OSError, ValueError):
        return None
    return jars if jars and all(Path(jar).is_file() for jar in jars) else None


def remember_jars(coordinates: Iterable[str], resolved: str) -> None:
    """Note what `spark.jars` held after packages were resolved, less what Spark brings itself in whatever version.

    The class path of the driver comes before Spark's own jars, which must not be replaced by other versions.
    """
    own = [_artifact(jar.name) for jar in (Path(pyspark.__file__).parent / "jars").glob("*.jar")]
    paths = [Path(unquote(urlsplit(jar).path)) for jar in resolved.split(",") if jar]
    # Ivy puts the group in front: org.slf4j_slf4j-api-2.0.13.jar
    needed = [str(path) for path in paths if not f"_{_artifact(path.name)}".endswith(tuple(f"_{name}" for name in own))]
    note = _note(coordinates)
    # A cache that cannot be written is no reason to fail.
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        staged = note.with_suffix(f".{os.getpid()}")
        staged.write_text(json.dumps(needed))
        staged.replace(note)


def _artifact(name: str) -> str:
    """The name of a jar without its version."""
    return re.sub(r"-\d[^/]*\.jar$", "", name)


def _note(coordinates: Iterable[str]) -> Path:
    key = "\n".join([pyspark.__version__, *sorted(coordinates)])
    return cache_folder() / f"jars-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
