"""The application: one worker of the HTTP API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from segmentation.config import SegmentationConfig, load_config, override
from segmentation.console import LOGGER
from segmentation.errors import ConfigError, SegmentationError
from segmentation.serving import customers, operations, pages, segments
from segmentation.serving.answers import VERSION, Problem
from segmentation.serving.desk import Desk
from segmentation.serving.documented import describe
from segmentation.serving.export import ChangedError
from segmentation.serving.guards import HEADERS, POLICY, Guard, changed, refusal
from segmentation.serving.lane import Lane
from segmentation.serving.observed import Meters, Observed
from segmentation.serving.publications import Publications
from segmentation.serving.service import Service
from segmentation.state.output import Output
from segmentation.version import VERSION as PROGRAM

# Seconds between two looks at what is published.
LOOK_EVERY = 0.25
CONFIG, OUTPUT_DIR = "SEGMENTATION_SERVE_CONFIG", "SEGMENTATION_SERVE_OUTPUT_DIR"
KEYED, INSECURE = "SEGMENTATION_SERVE_KEYED", "SEGMENTATION_SERVE_INSECURE"
ABOUT = "Segments of customers, as they were published last. See docs/serving.md."


def from_environment() -> FastAPI:
    """The application of a worker, which is a process that was told by its environment what to serve."""
    given = {"output_dir": os.environ.get(OUTPUT_DIR)}
    config = override(load_config(os.environ.get(CONFIG)), given)
    if KEYED in os.environ and not config.api.keys:
        # The file is read anew whenever a worker starts.
        raise ConfigError("The configuration has lost its keys; nobody else may ask without one.")
    return application(config, is_open_to_all=INSECURE in os.environ)


def application(config: SegmentationConfig, *, is_open_to_all: bool = False) -> FastAPI:
    """The application that serves an output.

    Args:
        config: with the output, keys and limits.
        is_open_to_all: without keys, by whatever name of this machine.

    Raises:
        ConfigError: the output is not on this machine.
        NoDataError: nothing is published there.
    """
    publications = Publications(Output.of(config), float(config.api.keep_minutes) * 60)
    service = Service(config, publications, Desk(float(config.api.request_seconds)))
    meters = Meters()
    routers = (operations.routes(service, meters), segments.routes(service), customers.routes(service))
    app = FastAPI(
        title="Customer segments",
        version=PROGRAM,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=partial(_living, service),
        middleware=[
            *_around(config, meters),
            Middleware(Guard, config.api, is_open_to_all=is_open_to_all),
            Middleware(Lane, publications, _addresses(routers)),
            Middleware(GZipMiddleware, compresslevel=5),
        ],
        redirect_slashes=False,
        exception_handlers={
            Problem: _problem,
            ChangedError: _changed,
            RequestValidationError: _invalid,
            HTTPException: _http,
            Exception: _unexpected,
        },
    )
    for router in routers:
        app.include_router(router)
    pages.add(app)
    app.openapi = describe(app, lambda: publications.current.labels)  # type: ignore[method-assign]
    return app


def _around(config: SegmentationConfig, meters: Meters) -> list[Middleware]:
    """What stands around everything, from the outside in."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(config.api.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "X-API-Key", "Content-Type", "If-None-Match"],
        expose_headers=["ETag", VERSION],
    )
    observed = Middleware(Observed, meters, log_ids=config.api.log_ids)
    return [observed, *([cors] if config.api.cors_origins else [])]


def _addresses(routers: Iterable[APIRouter]) -> set[str]:
    return {getattr(route, "path", "") for router in routers for route in router.routes}


@asynccontextmanager
async def _living(service: Service, _: FastAPI) -> AsyncIterator[None]:
    looking = asyncio.create_task(_look(service.publications))
    yield
    looking.cancel()
    service.desk.close()


async def _look(publications: Publications) -> None:
    """Notice what is published, as long as the application lives."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        try:
            await asyncio.to_thread(publications.refresh)
        except (OSError, ValueError, LookupError, SegmentationError):
            LOGGER.exception("What is published cannot be read; what was published before is served on.")


async def _problem(_: Request, problem: Any) -> Response:
    return refusal(problem.status, problem.error, **problem.headers)


async def _invalid(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    return refusal(400, f"{first['loc'][-1]}: {first['msg']}")


async def _http(_: Request, error: Any) -> Response:
    sentences = {404: "There is no such address. See /docs.", 405: "Not with this method. See /docs."}
    answer = refusal(error.status_code, sentences.get(error.status_code, str(error.detail)))
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(_: Request, __: Exception) -> Response:
    """The traceback is for the log, which `uvicorn` writes."""
    # This stands outside of what adds them elsewhere.
    headers = {**HEADERS, "Content-Security-Policy": POLICY}
    return refusal(500, "Something went wrong here; the log of the server says what.", **headers)


async def _changed(_: Request, __: Exception) -> Response:
    return changed()
