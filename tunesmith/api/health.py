"""`/health`, which needs no key, and `/`, which leads to the console."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from tunesmith.api.office import OfficeDep

router = APIRouter(tags=["server"])


@router.get("/health")
async def health(office: OfficeDep) -> dict[str, str]:
    """Answers as soon as the office can take requests; `engine` says whether models can."""
    return {"status": "stopping" if office.draining else "ok", "engine": office.engine_state()}


@router.get("/", include_in_schema=False)
async def root() -> RedirectResponse:
    """A browser's way in."""
    return RedirectResponse("/console", status_code=307)
