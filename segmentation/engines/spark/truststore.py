"""The certificates that this machine trusts, as a file that a JVM reads.

A Java of the machine trusts what the machine trusts, a company's proxy for example; one that pip brought has a list of
its own. The file has the form that Java calls JKS.
"""

from __future__ import annotations

import hashlib
import ssl
import struct
from contextlib import suppress
from pathlib import Path

# Where OpenSSL looks by itself is a folder on some systems, whose certificates Python does not list.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
MAGIC, FORMAT, CERTIFICATE = 0xFEEDFEED, 2, 2
# Of every trust store that nobody keeps secret; the digest is made with it.
PASSWORD = "changeit"  # noqa: S105
SALT = b"Mighty Aphrodite"


def trusted_certificates() -> list[bytes]:
    """The DER form of what this machine trusts; none where it is not known."""
    context = ssl.create_default_context()
    for bundle in BUNDLES:
        if not context.get_ca_certs() and Path(bundle).is_file():
            with suppress(OSError):
                context.load_verify_locations(bundle)
    return sorted(context.get_ca_certs(binary_form=True))


def as_trust_store(certificates: list[bytes]) -> bytes:
    """The content of a JKS file; the same certificates give the same bytes."""
    entries = b"".join(
        struct.pack(">I", CERTIFICATE) + _text(str(number)) + bytes(8) + _text("X.509") + _sized(certificate)
        for number, certificate in enumerate(certificates)
    )
    content = struct.pack(">III", MAGIC, FORMAT, len(certificates)) + entries
    secret = PASSWORD.encode("utf-16-be") + SALT
    return content + hashlib.sha1(secret + content, usedforsecurity=False).digest()


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def _sized(certificate: bytes) -> bytes:
    return struct.pack(">I", len(certificate)) + certificate
