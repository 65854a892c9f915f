"""Summarise one patient: arms that its aneuploid cells carry, and calls by the type that OOD cells lie nearest to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..genes.positions import genome_order
from ..outputs.schemas import CNV_ORIGINS, CNV_PATIENTS
from .cell_groups import GROUP

_MAJORITY = 0.5


def add_origins(cells: pd.DataFrame, annotations: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join a patient's copy-number calls with the origins of its cells.

    Parameters
    ----------
    cells
        The patient's cnv_cells table, with sample_id and patient_id.
    annotations
        The annotation table of each sample_id.

    Returns
    -------
    `cells` with origin (missing where none fits, and for cells that are not OOD), sorted by sample_id and cell_id.
    """
    keys = ["sample_id", "cell_id"]
    parts = [table[["cell_id", "origin"]].assign(sample_id=name) for name, table in annotations.items() if len(table)]
    origins = pd.concat(parts or [pd.DataFrame(columns=[*keys, "origin"], dtype=object)])
    joined = cells.astype(dict.fromkeys(keys, object)).merge(origins, on=keys, how="left", validate="one_to_one")
    joined["origin"] = joined["origin"].where(joined["is_ood"].astype(bool), None)
    return joined.sort_values(keys, ignore_index=True)


def arm_shares(cells: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """Share of aneuploid cells in groups that gained or lost each arm (`schemas.CNV_PATIENTS`).

    Parameters
    ----------
    cells
        Cells of one patient with patient_id, lineage, cnv_call and clone.
    arms
        The patient's cnv_arms table. Groups that it does not describe are too small to be judged, and do not count.

    Returns
    -------
    A row for each arm, in genome order. Without an aneuploid cell the shares are 0 and the ratio is missing.
    """
    aneuploid = cells[cells["cnv_call"] == "aneuploid"]
    sizes = aneuploid.groupby(GROUP, dropna=False).size().rename("n_cells").reset_index().astype({"clone": object})
    arms = arms.merge(sizes, on=GROUP, how="left")
    size = arms["n_cells"].fillna(0).astype("int64")
    weighted = {"gained": arms["call"] > 0, "lost": arms["call"] < 0, "log2_ratio": arms["log2_ratio"]}
    table = arms.assign(n_cells=size, **{name: size * value for name, value in weighted.items()})
    sums = table.groupby("arm", sort=False)[["n_cells", "gained", "lost", "log2_ratio"]].sum().reset_index()
    number = sums["n_cells"].where(sums["n_cells"] > 0)
    shares = {name: sums[name] / number for name in ("gained", "lost")}
    sums = sums.assign(**shares, log2_ratio=sums["log2_ratio"] / number).fillna({"gained": 0.0, "lost": 0.0})
    ordered = sums.set_index("arm").loc[genome_order(sums["arm"])].reset_index()
    return ordered.assign(patient_id=_patient(cells))[CNV_PATIENTS.names]


def origin_shares(cells: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """Calls of the OOD cells by origin, with the arms that most of the aneuploid ones carry (`CNV_ORIGINS`).

    Parameters
    ----------
    cells
        From :func:`add_origins`.

    Returns
    -------
    A row for each origin, the most frequent first; the origin is missing in that of the cells that no type fits.
    `aneuploid_share` is of the cells called aneuploid or diploid, and missing where there is none; `arms` is written as
    ``+8q -17p``.
    """
    rows = []
    for origin, part in cells[cells["is_ood"].astype(bool)].groupby("origin", sort=True, dropna=False):
        calls = part["cnv_call"].value_counts()
        n_aneuploid, n_diploid = int(calls.get("aneuploid", 0)), int(calls.get("diploid", 0))
        definite = n_aneuploid + n_diploid
        rows.append({
            "patient_id": _patient(cells), "origin": origin, "n_ood": len(part), "n_aneuploid": n_aneuploid,
            "n_diploid": n_diploid, "n_undetermined": len(part) - definite,
            "aneuploid_share": n_aneuploid / definite if definite else np.nan, "arms": _common_arms(part, arms),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=CNV_ORIGINS.names).sort_values("n_ood", ascending=False, kind="stable")


def _common_arms(cells: pd.DataFrame, arms: pd.DataFrame) -> str | None:
    shares = arm_shares(cells, arms)
    signs = {"+": shares["gained"], "-": shares["lost"]}
    found = [(row, sign) for sign, share in signs.items() for row in np.flatnonzero(share > _MAJORITY)]
    return " ".join(f"{sign}{shares['arm'].iloc[row]}" for row, sign in sorted(found)) or None


def _patient(cells: pd.DataFrame) -> str | None:
    return cells["patient_id"].iloc[0] if len(cells) else None
