"""Pages for people: segments at `/`, the documentation of the API at `/docs`; all that they load is here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import fastapi_offline
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from fastapi import FastAPI

HERE = Path(__file__).with_name("page")
SWAGGER = Path(fastapi_offline.__file__).with_name("static")


def add(app: FastAPI) -> None:
    """Add the pages, and what they load."""
    for address, name in (("/", "index.html"), ("/docs", "docs.html")):
        app.add_api_route(address, _sender(name), include_in_schema=False)
    app.mount("/page", StaticFiles(directory=HERE))
    app.mount("/swagger", StaticFiles(directory=SWAGGER))


def _sender(name: str) -> Callable[[], Awaitable[FileResponse]]:
    async def send() -> FileResponse:
        return FileResponse(HERE / name)

    return send
