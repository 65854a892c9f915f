"""Copy number of one patient from its files to its files: what rule infer_cnv does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..genes.genome_tables import read_arms, read_positions
from ..outputs.parquet import read_frame, write_table
from ..outputs.schemas import CNV_LIMITS, CNV_ORIGINS, CNV_PATIENTS, CNV_REFERENCE
from .call_copy_number import CnvResult
from .call_patient import call_patient
from .leiden_groups import leiden_groups
from .normals.limits import find_limits
from .patient_files import cell_names, write_patient
from .patient_samples import HealthyReference, Sample
from .patient_summary import add_origins, arm_shares, origin_shares
from .settings import Settings


def infer_patient(
    samples: Sequence[Sample],
    patient_id: str,
    config: Mapping[str, Any],
    output: Mapping[str, str | Path],
    *,
    positions: str | Path,
    arms: str | Path,
    healthy: HealthyReference | None = None,
) -> CnvResult:
    """Infer the copy number of a patient, and write its tables and profile.

    Parameters
    ----------
    samples
        Those that were not rejected.
    config
        The `cnv` section.
    output
        Paths of cnv (.h5ad) and of cells, arms, patient, origins, normals and limits (Parquet).
    positions, arms
        Tables of gene positions and chromosome arms.
    healthy
        Cells that may be borrowed.
    """
    settings = Settings(window=config["window"], step=config["step"])
    result = call_patient(
        samples,
        positions=read_positions(positions),
        arms=read_arms(arms),
        healthy=healthy,
        normal_labels=config["normal_labels"],
        min_reference=config["min_reference"],
        min_confidence=config["min_confidence"],
        settings=settings,
    )
    leiden = leiden_groups(result.profile, cell_names(result.cells))
    write_patient(result, patient_id, leiden=leiden, **{name: output[name] for name in ("cnv", "cells", "arms")})
    called = read_frame(output["arms"])
    cells = add_origins(read_frame(output["cells"]), {sample.sample_id: sample.annotation for sample in samples})
    write_table(output["patient"], arm_shares(cells, called), CNV_PATIENTS)
    write_table(output["origins"], origin_shares(cells, called), CNV_ORIGINS)
    limits = find_limits(result.normals, settings)
    assert result.reference is not None  # call_patient says what served
    write_table(output["normals"], result.reference.assign(patient_id=patient_id), CNV_REFERENCE)
    write_table(output["limits"], limits.assign(patient_id=patient_id), CNV_LIMITS)
    return result
