"""How the export writes text, known to whoever writes it and to whoever looks something up in it."""

from __future__ import annotations

# RFC 8259, section 7: what must be escaped in a string, and its short form where there is one.
SHORT = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
ESCAPES = {**SHORT, **{chr(code): f"\\u{code:04X}" for code in range(32) if chr(code) not in SHORT}}
HEAD, MIDDLE = '{"customer_id":', ',"segmentation":{'
_TABLE = str.maketrans(ESCAPES)


def escaped(text: str) -> str:
    """Text -> what stands between the quotes of a JSON string of the export."""
    return text.translate(_TABLE)
