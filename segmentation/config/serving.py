"""The HTTP API: who may ask, and how much."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from segmentation.config.values import Model, Name


class ApiKey(Model):
    """Somebody who may ask; `segmentation serve --new-key NAME` makes one.

    Attributes:
        name: for the log.
        sha256: of the key, in hexadecimal; the key itself is nowhere.
    """

    name: Name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ApiConfig(Model):
    """How segments are served.

    Attributes:
        keys: without one, only this machine is served.
        requests_per_minute: of one key, or of one address where there are no keys; None for any number.
        request_seconds: after which a request that is not streamed is given up.
        max_body_kilobytes: of what is sent with a request.
        cors_origins: web pages that may ask from a browser, as in ``https://shop.example``.
        hosts: names by which a proxy asks; without keys, only these and this machine's are served.
        log_ids: write ids of customers to the access log.
        keep_minutes: how long a listing can go on in the publication that it began with.
    """

    keys: tuple[ApiKey, ...] = ()
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    request_seconds: Annotated[Decimal, Field(gt=0)] = Decimal(10)
    max_body_kilobytes: int = Field(1024, ge=1)
    cors_origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")], ...] = ()
    hosts: tuple[Name, ...] = ()
    log_ids: bool = True
    keep_minutes: Annotated[Decimal, Field(ge=0)] = Decimal(10)

    @model_validator(mode="after")
    def _names_differ(self) -> ApiConfig:
        names = [key.name for key in self.keys]
        if len({*names}) < len(names):
            raise ValueError(f"keys: names must differ, found {', '.join(names)}")
        return self
