"""Run the script of a rule in this process, as Snakemake would in one of its own."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params
from tiny_cohort import REPO

from cellcohort.core import provenance


def run_script(
    rule: str, *, given: Mapping[str, Any], made: Mapping[str, Path], params: Mapping[str, Any], log: Path
) -> None:
    """Run scripts/{rule}.py with named inputs, outputs and params; nothing is logged."""
    job = SimpleNamespace(
        rule=rule,
        input=InputFiles(fromdict={name: _text(value) for name, value in given.items()}),
        output=OutputFiles(fromdict={name: str(path) for name, path in made.items()}),
        params=Params(fromdict=dict(params)),
        log=Log([str(log)]),
        resources={},
        threads=1,
    )
    try:
        with patch("cellcohort.core.job.log_to"):
            runpy.run_path(str(REPO / "scripts" / f"{rule}.py"), init_globals={"snakemake": job})
    finally:
        provenance._facts.clear()


def _text(value: Any) -> Any:
    return [str(path) for path in value] if isinstance(value, list) else str(value)
