"""`GET /v1/fine_tuning/jobs/{id}/forecast`: forecast when a job was created, beside what it took.

Our own call. The forecast is the one of that day, kept in an event; the rest is the job's row as it is now.
"""

from __future__ import annotations

from fastapi import APIRouter, Response

from tunesmith.api.auth import Caller
from tunesmith.api.fine_tuning.forecasting import spent
from tunesmith.api.office import OfficeDep
from tunesmith.jobs.messages import FORECAST
from tunesmith.store import jobs, metrics
from tunesmith.wire.job_forecast import Forecast, JobForecast, Taken

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"])


@router.get("/{job_id}/forecast", response_model=JobForecast)
def retrieve_fine_tuning_job_forecast(principal: Caller, office: OfficeDep, job_id: str) -> Response:
    """Our own: what was forecast when the job was created, and what it has taken so far."""
    job = jobs.get(office.db, principal.project_id, job_id)
    kept = next(iter(metrics.told(office.db, job.id, (FORECAST,))), None)
    tokens = job.trained_tokens or 0
    answer = JobForecast(
        fine_tuning_job_id=job.id,
        made_at=kept[2] if kept else None,
        forecast=Forecast.model_validate(kept[1]["forecast"]) if kept else None,
        taken=Taken(
            seconds=round(job.device_s, 3),
            tokens=tokens,
            cost=spent(office, job, tokens, job.device_s),
            currency=office.settings.currency,
        ),
    )
    return Response(answer.model_dump_json(), media_type="application/json")
