"""What the samples say together: counts and means over the cohort, one sample in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import binomtest

from .cnv_groups import count_groups
from .cohort_tables import CNV_BURDEN, COMPOSITION, OOD, ORIGIN_OF_FILE, ORIGINS, SAMPLES
from .files import read_json
from .provenance import NAME
from .sheet_columns import DESCRIPTION
from .tables import ANNOTATION, GENE_SCORES, PROGRAMS, empty, read_frame, write_batches

FALSE_DISCOVERIES = 0.1
CNV_GROUPS = ("reference", "aneuploid", "diploid", "undetermined")
_MEDIANS = {"median_score": "ood_score", "median_confidence": "confidence"}
_SCORES = {"score_low": 0.05, "score_q1": 0.25, "score_median": 0.5, "score_q3": 0.75, "score_high": 0.95}


def collect_annotation(
    paths: Sequence[str | Path], samples: Sequence[dict], output: str | Path, *, shifts: Sequence[str | Path]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Append the samples' annotation tables to one file and count what is in them on the way.

    Parameters
    ----------
    paths
        annotation.parquet of each sample.
    samples
        The sample sheet's rows in the order of `paths`.
    output
        The cohort's annotation table, written as a stream.
    shifts
        shift.json of each sample.

    Returns
    -------
    composition
        `cohort_tables.COMPOSITION`: cells of each label by sample, and how many of them are OOD (`n_ood`: the label is
        only the nearest one); the shares of a sample sum to 1.
    ood
        `cohort_tables.OOD`: a row for every sample; share, medians and `n_ood_fdr`, the OOD cells at a false discovery
        rate of `FALSE_DISCOVERIES`, are null where no cell was annotated.
    """
    composition, ood = [], []

    def batches() -> Iterator[pa.Table]:
        for path, sample, shift in zip(paths, samples, shifts, strict=True):
            table = pq.read_table(path)
            ids = {"sample_id": sample["sample_id"], "patient_id": sample["patient_id"]}
            composition.append(_composition(table).assign(**ids))
            ood.append({**ids, **_ood_summary(table), "shift": read_json(shift)["shift"]})
            yield table

    write_batches(output, batches(), ANNOTATION)
    return _concat(composition, COMPOSITION), _concat([pd.DataFrame(ood)], OOD)


def collect_status(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """The status.json files as one table (`cohort_tables.SAMPLES`), notes joined by semicolons.

    Tissue, batch and condition come from `samples`, the sample sheet's rows in the order of `paths`.
    """
    rows = [_status(read_json(path), sample) for path, sample in zip(paths, samples, strict=True)]
    return _concat([pd.DataFrame(rows)], SAMPLES)


def _status(content: dict, sample: dict) -> dict:
    facts = content.pop(NAME, {})
    return {
        **content,
        "notes": "; ".join(content["notes"]) or None,
        **{column: sample.get(column) for column in DESCRIPTION},
        **{column: facts.get(column) for column in ORIGIN_OF_FILE},
    }


def collect_origins(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """Count the OOD cells of each patient by origin (`cohort_tables.ORIGINS`).

    `paths` are the samples' annotation.parquet. The shares of a patient sum to 1, `low` and `high` are their 95 %
    (Wilson) intervals over cells, `margin` is the median of the cells' origin_margin.
    """
    patients: dict[str, list[str | Path]] = {}
    for path, sample in zip(paths, samples, strict=True):
        patients.setdefault(sample["patient_id"], []).append(path)
    return _concat([_origins(theirs).assign(patient_id=patient) for patient, theirs in patients.items()], ORIGINS)


def _origins(paths: Sequence[str | Path]) -> pd.DataFrame:
    """The rows of one patient."""
    cells = pd.concat([read_frame(path, ["is_ood", "origin", "origin_margin"]) for path in paths])
    cells = cells[cells["is_ood"]]
    counts = _counts(cells["origin"], "origin")
    intervals = [binomtest(n, len(cells)).proportion_ci(method="wilson") for n in counts["n_cells"]]
    low, high = np.array(intervals, float).reshape(-1, 2).T
    margin = counts["origin"].map(cells.groupby("origin")["origin_margin"].median())
    return counts.assign(low=low, high=high, margin=margin)


def mean_gene_scores(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Mean gene scores of the cohort by label and gene, each sample weighted by its cells (`tables.GENE_SCORES`)."""
    values = ["score", "attention", "detected"]
    total = _weighted_mean((read_frame(path) for path in paths), ["label", "symbol"], values)
    return _concat([total.sort_values(["label", "score", "symbol"], ascending=[True, False, True])], GENE_SCORES)


def mean_programs(paths: Iterable[str | Path], *, gene_scores: Iterable[str | Path]) -> pd.DataFrame:
    """Mean program weights of the cohort by label, slot and gene (`tables.PROGRAMS`).

    A sample's weight is its number of cells of that label, which its gene score table states.
    """

    def frames() -> Iterator[pd.DataFrame]:
        for path, scores in zip(paths, gene_scores, strict=True):
            cells = read_frame(scores, ["label", "n_cells"]).groupby("label")["n_cells"].max()
            program = read_frame(path)
            yield program.assign(n_cells=program["label"].map(cells).astype("int64"))

    total = _weighted_mean(frames(), ["label", "slot", "symbol"], ["weight"])
    order = total.sort_values(["label", "slot", "weight", "symbol"], ascending=[True, True, False, True])
    return _concat([order], PROGRAMS)


def collect_cnv_arms(paths: Sequence[str | Path], samples: Sequence[dict]) -> Iterator[pd.DataFrame]:
    """The samples' chromosome-arm tables, one after the other (`cohort_tables.COHORT_CNV_ARMS`)."""
    for path, sample in zip(paths, samples, strict=True):
        yield read_frame(path).assign(sample_id=sample["sample_id"], patient_id=sample["patient_id"])


def cnv_groups(paths: Sequence[str | Path], samples: Sequence[dict]) -> Iterator[pd.DataFrame]:
    """Cells of each sample by group, of the samples' cnv_cells.parquet (`cohort_tables.CNV_GROUPS`)."""
    for path, sample in zip(paths, samples, strict=True):
        cells = read_frame(path, ["role", "lineage", "clone", "cnv_call"])
        yield count_groups(cells.assign(sample_id=sample["sample_id"], patient_id=sample["patient_id"]))


def cnv_burden(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """Copy-number burden of each sample (`cohort_tables.CNV_BURDEN`).

    A row for each group that has cells: the reference cells, and the query cells called aneuploid, diploid and
    undetermined. `share` is of the query cells (of the reference cells for the reference, hence 1); `n_borrowed` is how
    many of the cells were compared with borrowed cells of the healthy reference; the scores are the 5 %, 25 %, 50 %,
    75 % and 95 % quantiles of the group's `cnv_score`, null where none was computed.
    """
    parts = []
    for path, sample in zip(paths, samples, strict=True):
        cells = read_frame(path, ["role", "cnv_score", "cnv_call", "reference_source"])
        group = cells["cnv_call"].where(cells["role"] != "reference", "reference")
        ids = {"sample_id": sample["sample_id"], "patient_id": sample["patient_id"]}
        borrowed = cells["reference_source"].fillna("").str.contains("borrowed")
        parts.append(_burden(cells["cnv_score"], group, borrowed).assign(**ids))
    return _concat(parts, CNV_BURDEN)


def _burden(score: pd.Series, group: pd.Series, borrowed: pd.Series) -> pd.DataFrame:
    """Numbers, share and score quantiles by group, in the order of `CNV_GROUPS`."""
    scores = score.groupby(group)
    table = pd.DataFrame({name: scores.quantile(q) for name, q in _SCORES.items()})
    table["n_cells"] = scores.size()
    table["n_borrowed"] = borrowed.astype(int).groupby(group).sum()
    n_query = (group != "reference").sum()
    table["share"] = np.where(table.index == "reference", 1.0, table["n_cells"] / max(n_query, 1))
    return table.reindex([name for name in CNV_GROUPS if name in table.index]).rename_axis("group").reset_index()


def _counts(values: pd.Series, name: str) -> pd.DataFrame:
    """Cells and share of each value, the most frequent first, ties by name."""
    counts = values.value_counts().rename_axis(name).rename("n_cells").reset_index()
    counts["share"] = counts["n_cells"] / max(counts["n_cells"].sum(), 1)
    return counts.sort_values(["n_cells", name], ascending=[False, True])


def _composition(table: pa.Table) -> pd.DataFrame:
    cells = table.select(["label", "is_ood"]).to_pandas()
    n_ood = cells["is_ood"].astype(int).groupby(cells["label"]).sum()
    counts = _counts(cells["label"], "label")
    return counts.assign(n_ood=counts["label"].map(n_ood))


def _ood_summary(table: pa.Table) -> dict:
    n_cells, n_ood = table.num_rows, int(table["is_ood"].to_numpy().sum())
    if not n_cells:
        return {"n_cells": 0, "n_ood": 0} | dict.fromkeys(("ood_share", *_MEDIANS, "n_ood_fdr"))
    return {
        "n_cells": n_cells,
        "n_ood": n_ood,
        "ood_share": n_ood / n_cells,
        **{name: float(np.median(table[column].to_numpy())) for name, column in _MEDIANS.items()},
        "n_ood_fdr": int((table["ood_qvalue"].to_numpy() <= FALSE_DISCOVERIES).sum()),
    }


def _weighted_mean(frames: Iterable[pd.DataFrame], keys: list[str], values: list[str]) -> pd.DataFrame:
    """Mean of `values` by `keys`, weighted by n_cells, and the sum of n_cells; holds the sums and one frame."""
    sums = pd.DataFrame(columns=[*keys, *values, "n_cells"])
    for frame in frames:
        weighted = frame.assign(**{value: frame[value].astype("float64") * frame["n_cells"] for value in values})
        parts = [part for part in (sums, weighted) if len(part)]
        if parts:
            sums = pd.concat(parts).groupby(keys, as_index=False, sort=True)[[*values, "n_cells"]].sum()
    return sums.assign(**{value: sums[value] / sums["n_cells"] for value in values})


def _concat(parts: list[pd.DataFrame], schema: pa.Schema) -> pd.DataFrame:
    """The parts with the columns of `schema`; its empty form when there is no row."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return empty(schema).to_pandas()
    return pd.concat(filled, ignore_index=True)[schema.names]
