"""Files on any file system that Spark's Hadoop client knows: list, look into, write, move, replace."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from segmentation.engines.local import LocalFiles, opened
from segmentation.engines.stores import StoredFile
from segmentation.errors import SourceError
from segmentation.locations import HADOOP_ONLY, is_hidden, local_path, one_form

COPY_BUFFER = 1 << 20
# Stores that show an object when its upload is complete, and whose rename is a copy and a removal.
OBJECT_STORES = {"s3", "s3a", "s3n", "gs"}
# What file systems answer to whoever wants to make a file that is there.
IS_THERE = ("FileAlreadyExistsException", "AlreadyBeingCreatedException", "RemoteFileChangedException")
IS_MISSING = ("FileNotFoundException",)
CONDITIONAL_CREATE = "fs.option.create.conditional.overwrite"


def java_message(error: Py4JJavaError) -> str:
    """What the JVM says is wrong at the root, in a line, credentials in addresses struck out."""
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return re.sub(r"://[^@/\s]+@", "://***@", str(cause.toString()).splitlines()[0])


@contextmanager
def _source_errors(location: str) -> Iterator[None]:
    try:
        yield
    except Py4JJavaError as error:
        raise SourceError(
            f"{location} cannot be read: {java_message(error)}. Check --csv-path, permissions and credentials."
        ) from error


class Storage:
    """Hadoop's file systems, through the driver's JVM."""

    def __init__(self, spark: SparkSession) -> None:
        context = spark.sparkContext
        # Py4J's gateway is typed as optional and its members appear at run time.
        self._jvm: Any = context._jvm
        self._conf: Any = context._jsc.hadoopConfiguration()
        self._local = LocalFiles()

    def _open(self, location: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(location)
        system = path.getFileSystem(self._conf)
        return system, path

    def default_file_system(self) -> str:
        """Where Spark looks for a path without a scheme."""
        return str(self._jvm.org.apache.hadoop.fs.FileSystem.getDefaultUri(self._conf))

    def exists(self, location: str) -> bool:
        """Is there a file or a directory?"""
        system, path = self._open(location)
        return bool(system.exists(path))

    def files(self, pattern: str) -> list[StoredFile]:
        """Every file that a name, a directory or a glob stands for, by path; hidden ones (``_x``, ``.x``) left out.

        Directories are searched to any depth. A name that exists is taken literally even if it looks like a glob.

        Raises:
            SourceError: the file system refuses.
        """
        if local := local_path(pattern):
            return [replace(file, path=f"file:{file.path}") for file in self._local.files(str(local))]
        with _source_errors(pattern):
            return self._files(pattern)

    def _files(self, pattern: str) -> list[StoredFile]:
        system, path = self._open(pattern)
        is_one = system.exists(path)
        found = [system.getFileStatus(path)] if is_one else list(system.globStatus(path) or [])
        found = [status for status in found if is_one or not is_hidden(status.getPath().getName())]
        files: list[StoredFile] = []
        while found:
            status = found.pop()
            if status.isDirectory():
                children = system.listStatus(status.getPath())
                found += [child for child in children if not is_hidden(child.getPath().getName())]
            else:
                location = status.getPath()
                uri, modified = one_form(location.toUri().toString()), status.getModificationTime() * 1_000_000
                files.append(StoredFile(location.toString(), uri, status.getLen(), modified))
        return sorted(files, key=lambda file: file.path)

    def head(self, location: str, size: int) -> bytes:
        """The first `size` bytes, decompressed by the file's ending.

        Raises:
            SourceError: the file system refuses.
        """
        with _source_errors(location), closing(self.blocks(location, size)) as blocks:
            return next(blocks, b"")

    def blocks(self, location: str, size: int = COPY_BUFFER) -> Generator[bytes, None, None]:
        """All bytes, `size` at a time, decompressed by the file's ending."""
        if local_path(location) and not location.endswith(HADOOP_ONLY):
            with opened(location) as file:
                yield from iter(lambda: file.read(size), b"")
            return
        system, path = self._open(location)
        codec = self._jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(self._conf).getCodec(path)
        stream = system.open(path)
        try:
            bare = codec.createInputStream(stream) if codec else stream
            while block := bytes(bare.readNBytes(size)):
                yield block
        finally:
            stream.close()

    @contextmanager
    def writing(self, location: str) -> Iterator[Callable[[bytes], None]]:
        """A new file; yields what adds bytes to it."""
        system, path = self._open(location)
        out = system.create(path, True)
        try:
            yield lambda data: out.write(bytearray(data))
        finally:
            out.close()

    def delete(self, location: str) -> None:
        """Remove a file or a whole directory; fine if it is not there."""
        system, path = self._open(location)
        system.delete(path, True)

    def concatenate(self, parts: Sequence[StoredFile], target: str, *, head: str, tail: str, drop_last: int) -> None:
        """Write `head`, the bytes of `parts` less the last `drop_last` ones of them all, and `tail`.

        The bytes stream through the driver a buffer at a time; nothing is held.
        """
        system, path = self._open(target)
        system.setWriteChecksum(False)
        out = system.create(path, True)
        limited = self._jvm.org.apache.hadoop.util.LimitInputStream
        parts = [part for part in parts if part.size]
        try:
            out.write(bytearray(head, "utf-8"))
            for part in parts:
                _, part_path = self._open(part.path)
                stream = system.open(part_path)
                try:
                    size = part.size - (drop_last if part is parts[-1] else 0)
                    self._jvm.org.apache.hadoop.io.IOUtils.copyBytes(limited(stream, size), out, COPY_BUFFER, False)
                finally:
                    stream.close()
            out.write(bytearray(tail, "utf-8"))
        finally:
            out.close()
            system.setWriteChecksum(True)

    def read(self, location: str) -> str | None:
        """The text of a small file, None if there is none."""
        system, path = self._open(location)
        try:
            stream = system.open(path)
        except Py4JJavaError as error:
            if _is_one_of(error, IS_MISSING):
                return None
            raise
        try:
            return bytes(stream.readAllBytes()).decode()
        finally:
            stream.close()

    def write(self, location: str, text: str) -> None:
        """Write a small file over what is there."""
        system, path = self._open(location)
        _write(system.create(path, True), text)

    def create_new(self, location: str, text: str) -> bool:
        """Write a small file where there is none; False if there is one."""
        system, path = self._open(location)
        # On S3, the store itself then refuses the second of two.
        builder = system.createFile(path).overwrite(False).recursive().opt(CONDITIONAL_CREATE, True)
        try:
            _write(builder.build(), text)
        except Py4JJavaError as error:
            if _is_one_of(error, IS_THERE):
                return False
            raise
        return True

    def modified_at(self, location: str) -> datetime:
        """When a file was written last, by the store's clock."""
        system, path = self._open(location)
        return datetime.fromtimestamp(system.getFileStatus(path).getModificationTime() / 1000, UTC)

    def rename(self, source: str, target: str) -> bool:
        """Move a file to a name that is free; False if it is gone."""
        system, path = self._open(source)
        try:
            return bool(system.rename(path, self._jvm.org.apache.hadoop.fs.Path(target)))
        except Py4JJavaError as error:
            if _is_one_of(error, IS_MISSING):
                return False
            raise

    def replace(self, source: str, target: str) -> None:
        """Move `source` over `target` in one step, so that a reader sees the old file or the new one."""
        local_source, local_target = local_path(source), local_path(target)
        if local_source and local_target:
            # Hadoop's local file system deletes the target first; the operating system does not.
            local_source.replace(local_target)
            local_target.with_name(f".{local_target.name}.crc").unlink(missing_ok=True)
            return
        _, source_path = self._open(source)
        system, target_path = self._open(target)
        if target.split(":", 1)[0] not in OBJECT_STORES:
            rename = self._jvm.org.apache.hadoop.fs.Options.Rename
            overwrite = self._jvm.java.lang.reflect.Array.newInstance(rename.OVERWRITE.getClass(), 1)
            overwrite[0] = rename.OVERWRITE
            context = self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(target_path.toUri(), self._conf)
            context.rename(source_path, target_path, overwrite)
            return
        # After an error the upload is never closed, so it is never shown.
        stream = system.open(source_path)
        out = system.create(target_path, True)
        self._jvm.org.apache.hadoop.io.IOUtils.copyBytes(stream, out, COPY_BUFFER, False)
        out.close()
        stream.close()
        # The target has taken its place; what is left behind is removed with its folder.
        with suppress(Py4JJavaError):
            system.delete(source_path, False)


def _write(out: Any, text: str) -> None:
    out.write(bytearray(text, "utf-8"))
    out.close()


def _is_one_of(error: Py4JJavaError, names: Sequence[str]) -> bool:
    # HDFS wraps some of its answers in an exception of its own, whose text begins with both names.
    said = str(error.java_exception.toString()).split(":", 1)[0]
    return not set(names).isdisjoint(re.findall(r"\w+", said))
