"""What the office tells a worker: by environment, never by argument, so that no process list shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class WorkerEnvironment:
    """One attempt at one job, as its worker process sees it."""

    database_url: str
    objects_url: str
    attempt: int
    worker_token: str
    """The attempt's secret: a process that does not have it is not this attempt's worker."""
    work: Path
    """Folder of this attempt alone; whoever started the worker removes it afterwards."""
    digests: Path
    """File that remembers the bases' digests."""
    threads: int
    device: str
    snapshot_every_s: float
    niceness: int
    followers: Path
    """Folder where a service that follows jobs keeps files that outlive the attempt."""

    def variables(self) -> dict[str, str]:
        """The environment variables, those of the numeric libraries included."""
        threads = str(self.threads)
        return {
            "TUNESMITH_DATABASE_URL": self.database_url,
            "TUNESMITH_OBJECTS_URL": self.objects_url,
            "TUNESMITH_ATTEMPT": str(self.attempt),
            "TUNESMITH_WORKER_TOKEN": self.worker_token,
            "TUNESMITH_WORK": str(self.work),
            "TUNESMITH_DIGESTS": str(self.digests),
            "TUNESMITH_THREADS": threads,
            "TUNESMITH_DEVICE": self.device,
            "TUNESMITH_SNAPSHOT_EVERY_S": str(self.snapshot_every_s),
            "TUNESMITH_NICENESS": str(self.niceness),
            "TUNESMITH_FOLLOWERS": str(self.followers),
            "OMP_NUM_THREADS": threads,
            "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads sleep; spinning ones starve the engine
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",  # weights are here by now; a worker has no business on the network
            "PYTHONUNBUFFERED": "1",
        }

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> WorkerEnvironment:
        """The same from the process's environment; KeyError names a missing variable."""
        return cls(
            database_url=variables["TUNESMITH_DATABASE_URL"],
            objects_url=variables["TUNESMITH_OBJECTS_URL"],
            attempt=int(variables["TUNESMITH_ATTEMPT"]),
            worker_token=variables["TUNESMITH_WORKER_TOKEN"],
            work=Path(variables["TUNESMITH_WORK"]),
            digests=Path(variables["TUNESMITH_DIGESTS"]),
            threads=int(variables["TUNESMITH_THREADS"]),
            device=variables["TUNESMITH_DEVICE"],
            snapshot_every_s=float(variables["TUNESMITH_SNAPSHOT_EVERY_S"]),
            niceness=int(variables["TUNESMITH_NICENESS"]),
            followers=Path(variables["TUNESMITH_FOLLOWERS"]),
        )
