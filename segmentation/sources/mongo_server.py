"""The connection to MongoDB: its string, and what its driver's complaints mean. Shows no secret."""

from __future__ import annotations

import re
from urllib.parse import quote

from py4j.protocol import Py4JJavaError

from segmentation.config import MongoConfig

# Milliseconds. A wrong host must be told in seconds; once documents flow, a change of the primary must not end the run.
FIRST_LOOK_PATIENCE = 3_000
READING_PATIENCE = 15_000
INVALID_URI = (
    "mongodb.uri is not a valid connection string. Check its form: mongodb://host:port/ or mongodb+srv://host/."
)


def escaped(text: str) -> str:
    """Percent-encoded for a connection string, where a plus sign is no blank."""
    return quote(text, safe="")


def connection_uri(config: MongoConfig, patience: int = READING_PATIENCE) -> str:
    """The connection string, credentials percent-encoded; waits `patience` for a server unless it says how long."""
    uri = config.uri.get_secret_value() if config.uri else f"mongodb://{config.host}:{config.port}/"
    options = {"serverSelectionTimeoutMS": str(patience), "connectTimeoutMS": str(patience)}
    if config.tls:
        options["tls"] = "true"
    if config.read_preference:
        options["readPreference"] = config.read_preference
    if config.auth_source:
        options["authSource"] = config.auth_source
    if config.username and "@" not in uri:
        scheme, rest = uri.split("://", 1)
        password = config.secret_password()
        credentials = escaped(config.username) + (f":{escaped(password)}" if password is not None else "")
        uri = f"{scheme}://{credentials}@{rest}"
    head, _, query = uri.partition("?")
    if head.count("/") < 3:  # mongodb://host lacks the slash before the options
        head += "/"
    given = {part.split("=")[0].lower() for part in query.split("&")}
    added = [f"{key}={escaped(value)}" for key, value in options.items() if key.lower() not in given]
    return f"{head}?{'&'.join(([query] if query else []) + added)}"


def explain(error: Py4JJavaError, config: MongoConfig) -> str:
    """One sentence on what MongoDB's driver complains of."""
    kind = str(error.java_exception.getClass().getSimpleName())
    text = str(error.java_exception.getMessage())
    where = f"{config.database}.{config.collection}"
    if "MongoSecurityException" in kind or "AuthenticationFailed" in text or "MongoSecurityException" in text:
        return (
            f"MongoDB on {server(config)} refused the login of {config.username or 'the user in mongodb.uri'}. "
            "Check mongodb.username, password and auth_source."
        )
    if kind == "MongoTimeoutException":
        return f"MongoDB on {server(config)} did not answer. Check mongodb.host, port and tls, and that it is running."
    if kind in ("MongoCommandException", "MongoQueryException") and ("13" in text or "authoriz" in text.lower()):
        return (
            f"MongoDB on {server(config)} does not let {config.username or 'this user'} read {where}. "
            "Check the user's roles (read on the database) and mongodb.database."
        )
    if kind == "MongoConfigurationException":
        return INVALID_URI
    return f"Reading {where} from MongoDB on {server(config)} failed: {kind}. Check the server's log."


def server(config: MongoConfig) -> str:
    """Host and port for people, without credentials."""
    if not config.uri:
        return f"{config.host}:{config.port}"
    behind_login = config.uri.get_secret_value().partition("://")[2].rpartition("@")[2]
    return re.split("[/?]", behind_login)[0] or "the server of mongodb.uri"
