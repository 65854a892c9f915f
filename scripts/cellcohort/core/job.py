"""What the script of every rule does first."""

from __future__ import annotations

from typing import Any

from . import provenance
from .logs import log_to

TABLES = ("positions", "arms", "gene_sets")  # inputs that a user may replace
RESULT = "annotated"  # the input that is a result in .h5ad


def begin(job: Any) -> None:
    """Log to the job's file, and stamp what it writes with where it comes from.

    Parameters
    ----------
    job
        What Snakemake gives a script as `snakemake`: `log`, `params` and `input`.
    """
    log_to(job.log[0])
    named = {name: path for name, path in job.input.items() if name in TABLES and isinstance(path, str)}
    tables = [path for path in named.values() if not path.endswith(".parquet")]  # those are results of that name
    results = [path for name, path in job.input.items() if name == RESULT]
    provenance.begin(dict(job.params.items()), job.input, tables=tables, results=results)
