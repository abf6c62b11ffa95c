"""Where purchases lie in MongoDB, and where segments are written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote

from pydantic import Field, SecretStr, model_validator

from segmentation.config.values import Columns, Model, Name
from segmentation.errors import ConfigError


class MongoIncremental(Model):
    """A field that tells which documents are new, and how many days late they may come."""

    field: Name
    lookback: float = Field(1, ge=0, le=3650)


class MongoConfig(Model):
    """Where the purchases lie in MongoDB. Secrets are never shown."""

    uri: SecretStr | None = None
    host: Name = "localhost"
    port: int = Field(27017, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    auth_source: str | None = None
    tls: bool = False
    password_file: Name | None = None
    database: Name = "retail"
    collection: Name = "purchases"
    columns: Columns = {}
    filter: dict[str, Any] | None = None
    incremental: MongoIncremental | None = None
    read_preference: Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"] | None = None
    partitioner: Name | None = None
    partitioner_options: dict[str, str | int] = {}

    @model_validator(mode="after")
    def _one_password(self) -> MongoConfig:
        if self.password is not None and self.password_file is not None:
            raise ValueError("give either 'password' or 'password_file', not both")
        return self

    def secret_password(self) -> str | None:
        """The password, from where it is kept.

        Raises:
            ConfigError: the file cannot be read.
        """
        if self.password_file is None:
            return self.password.get_secret_value() if self.password else None
        try:
            return Path(self.password_file).read_text().strip("\r\n")
        except OSError as error:
            reason = f"{self.password_file} cannot be read: {error.strerror}"
            raise ConfigError(f"mongodb.password_file: {reason}.") from None

    def secrets(self) -> list[str]:
        """Texts that must appear nowhere: passwords, plain and percent-encoded, and connection strings with one."""
        uri = self.uri.get_secret_value() if self.uri else ""
        # Not urlsplit, whose errors quote what they cannot read.
        in_uri = uri.partition("://")[2].rpartition("@")[0].partition(":")[2]
        passwords = [text for text in (self.secret_password(), in_uri, unquote(in_uri)) if text]
        return ([uri] if in_uri else []) + passwords + [quote(text, safe="") for text in passwords]


class MongoTarget(Model):
    """A collection that segments are written to, for applications that live on MongoDB."""

    database: Name
    collection: Name
