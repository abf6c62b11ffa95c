"""What engines raise, for whoever only has to say it."""

from __future__ import annotations


def is_panic(error: BaseException) -> bool:
    """A panic in Rust is no `Exception`, and no wish to end the process either."""
    return type(error).__name__ == "PanicException"


def root_of(error: BaseException) -> str:
    """What went wrong, in a line: of an error out of the JVM its root, not the call that met it."""
    if type(error).__module__.startswith("py4j"):
        from segmentation.engines.spark.files import java_message

        return java_message(error)
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
