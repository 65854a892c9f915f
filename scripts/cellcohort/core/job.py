"""Start the job of a rule: its log, and the provenance of what it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import provenance
from .logs import log_to


def start_job(job: Any) -> Mapping[str, Any]:
    """Log to the job's file, and stamp what it writes with where it comes from; returns the job's settings.

    Parameters
    ----------
    job
        What Snakemake gives a script as `snakemake`. Its rule declares in `params` what its results come from:
        `settings` (hashed), `user_tables` (names of inputs whose content is part of the settings) and `results` (names
        of inputs that are results in .h5ad).
    """
    log_to(job.log[0])
    provenance.start(
        job.params.settings,
        job.input,
        user_tables=[job.input[name] for name in job.params.get("user_tables", [])],
        results=[job.input[name] for name in job.params.get("results", [])],
    )
    return job.params.settings
