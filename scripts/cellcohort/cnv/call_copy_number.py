"""From counts to calls: which cells are aneuploid, with which arms, in which clones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from ..core.errors import InputError
from ..genes.chromosome_arms import ArmLayout, lay_out_arms
from ..genes.positions import place_genes
from ..inputs.resources import chromosome_arms
from . import cell_calls
from .arm_counts import ArmCounts, count_arms, gene_weights
from .arm_effects import arm_rows
from .baseline import Baseline, arm_dispersion, build_baseline, fold_numbers
from .clones import find_groups
from .patterns import Cells, Findings, find_patterns
from .settings import Settings
from .smoothed_profile import Profile, infer_profile, log_normalise, reference_means

_MAX_PURIFICATION = 3
_MIN_GENES = 500


@dataclass(frozen=True)
class CnvResult:
    """Copy number of one patient.

    Attributes
    ----------
    cells
        One row for each cell of the input, in its order: cell_id, role (reference, query), cnv_score, llr, cnv_call
        (aneuploid, diploid, undetermined), clone, lineage, reference_source, reason, fdr.
    arms
        group, arm, log2_ratio, z, call (-1, 0, 1).
    profile
        CSR float64 (n_cells, n_windows), infercnvpy's smoothed profile.
    columns
        chromosome, start, end, n_genes, genes of each window.
    chr_pos
        First window of each chromosome.
    """

    cells: pd.DataFrame
    arms: pd.DataFrame
    profile: sparse.csr_matrix
    columns: pd.DataFrame
    chr_pos: dict[str, int]


def call_copy_number(
    adata: AnnData,
    *,
    lineage: str,
    reference: str,
    positions: pd.DataFrame,
    arms: pd.DataFrame | None = None,
    min_reference: int = 15,
    seed: int = 0,
    borrowed: str | None = None,
    settings: Settings | None = None,
) -> CnvResult:
    """Call copy number from the raw counts of one patient.

    The result depends on the set of cells, not on their order, on chunks or threads (law 1).

    Parameters
    ----------
    adata
        Raw counts (n_cells, n_genes), integer or expected, symbols in `var_names`. Cells of several samples of the
        patient, and normal cells borrowed from elsewhere, are simply rows.
    lineage
        obs column with each cell's lineage. A lineage with fewer than `min_reference` reference cells is unmatched.
    reference
        obs column (bool): cells that may serve as normal. Cells of a group that carries an arm are taken out.
    positions
        Table symbol, chromosome (with or without `chr`), start, end. X, Y, contigs, the mitochondrion, HLA,
        immunoglobulin and T-cell receptor genes are not used.
    arms
        Table chromosome, arm, start, end; None: hg38.
    min_reference
        Reference cells that a lineage needs.
    borrowed
        obs column (bool): reference cells that are not the patient's own; only told apart in `reference_source`.
    settings
        Thresholds; None: the defaults.

    Returns
    -------
    CnvResult

    Raises
    ------
    InputError
        If an obs column or a column of a table is missing, or the counts are negative or not finite.
    """
    settings = settings or Settings()
    _check(adata, [lineage, reference] + ([borrowed] if borrowed else []))
    order = np.argsort(adata.obs_names.to_numpy().astype(str), kind="stable")
    genes = place_genes(adata.var_names, positions, exclude_chromosomes=settings.exclude_chromosomes)
    layout = lay_out_arms(genes, _arm_table(arms))
    matrix = _counts(adata)[order]
    placed = matrix[:, genes["column"].to_numpy()]
    names, codes = np.unique(
        adata.obs[lineage].astype(object).fillna("unassigned").astype(str).to_numpy()[order], return_inverse=True
    )
    flags = _flags(adata, reference)[order]
    lent = _flags(adata, borrowed)[order] if borrowed else np.zeros_like(flags)
    flags &= (np.bincount(codes[flags], minlength=len(names)) >= min_reference)[codes] if len(codes) else flags
    reason = _obstacle(genes, layout, flags, min_reference)
    if reason:
        table, rows = (
            cell_calls.undetermined(names.astype(object)[codes], flags, reason),
            arm_rows([], [], [], []),
        )
    else:
        cells = _describe(placed, layout, codes, list(names), flags, settings, seed)
        table, rows, flags = _call(cells, flags, lent, min_reference, seed)
    profile = _profile(matrix, placed, genes, codes, flags, settings)
    back = np.argsort(order, kind="stable")
    table = table.iloc[back].reset_index(drop=True)
    table.insert(0, "cell_id", adata.obs_names.to_numpy().astype(str))
    return CnvResult(table, rows, profile.values[back], profile.columns, profile.chr_pos)


def _flags(adata: AnnData, column: str) -> np.ndarray:
    """An obs column of true and false; missing values are false."""
    values = adata.obs[column].astype(object)
    values = values.where(values.notna(), False)
    if not values.isin([True, False]).all():
        raise InputError(f"copy number: obs column {column!r} holds other values than true and false. Make it so.")
    return values.to_numpy().astype(bool)


def _check(adata: AnnData, columns: list[str]) -> None:
    for column in columns:
        if column not in adata.obs:
            raise InputError(f"copy number: obs column {column!r} is missing. Add it or name another one.")


def _counts(adata: AnnData) -> sparse.csr_matrix:
    """The counts as CSR float; raises on values that cannot be counts."""
    matrix = sparse.csr_matrix(adata.X)
    if matrix.dtype.kind != "f":
        matrix = matrix.astype(np.float32)
    if matrix.nnz and not (np.isfinite(matrix.data).all() and matrix.data.min() >= 0):
        raise InputError("copy number: X holds negative or non-finite values. Give raw counts.")
    return matrix


def _arm_table(arms: pd.DataFrame | None) -> pd.DataFrame:
    if arms is not None:
        return arms
    return chromosome_arms("hg38")


def _obstacle(genes: pd.DataFrame, layout: ArmLayout, reference: np.ndarray, min_reference: int) -> str | None:
    """Why nothing can be called, or None."""
    if not len(reference):
        return "no cells"
    if len(genes) < _MIN_GENES or layout.n_arms < 2:
        return f"only {len(genes)} genes with a position on {layout.n_arms} chromosome arms"
    if not reference.any():
        return f"no lineage with {min_reference} reference cells"
    return None


def _describe(
    placed: sparse.csr_matrix,
    layout: ArmLayout,
    codes: np.ndarray,
    names: list[str],
    flags: np.ndarray,
    settings: Settings,
    seed: int,
) -> Cells:
    """Arm counts, and the groups of cells within each lineage."""
    weights = gene_weights(placed, codes, len(names))
    table = count_arms(placed, layout, weights)
    half = build_baseline(table.half, np.where(flags, codes, -1), flags, fold_numbers(len(codes), seed))
    dispersion = arm_dispersion(table.half[flags], half.share[flags])
    group = np.zeros(len(codes), dtype=np.int64)
    for number in range(len(names)):
        rows = np.flatnonzero(codes == number)
        part = ArmCounts(table.values[rows], table.half[rows])
        group[rows] = find_groups(placed[rows], layout, part, dispersion, settings=settings, seed=seed)
    return Cells(placed, layout, table, codes, names, group, settings)


def _call(
    cells: Cells, flags: np.ndarray, lent: np.ndarray, min_reference: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Patterns with a purified reference, then every cell, then every group: cell table, arm table, reference."""
    reference = flags.copy()
    for _ in range(_MAX_PURIFICATION):
        enough = np.bincount(cells.lineage[reference], minlength=len(cells.lineage_names)) >= min_reference
        reference &= enough[cells.lineage]
        matched = np.flatnonzero(enough).tolist()
        found = find_patterns(cells, reference, matched, min_reference=min_reference)
        if (found.reference == reference).all():
            break
        reference = found.reference
    baseline = _baseline(cells, reference, found, fold_numbers(len(reference), seed))
    table, rows = cell_calls.decide(cells, reference, matched, found, baseline)
    table["reference_source"] = cell_calls.sources(cells, reference, lent, matched, found)
    carriers = np.zeros(len(flags), dtype=bool)
    carriers[np.concatenate([pattern.cells for pattern in found.patterns] or [[]]).astype(np.int64)] = True
    table.loc[flags & carriers, "reason"] = "taken out of the reference: its group carries an arm"
    return table, rows, reference


def _baseline(cells: Cells, reference: np.ndarray, found: Findings, folds: np.ndarray) -> Baseline:
    """Diploid expectation of each cell; an unmatched lineage takes its own normal group, or itself, patterns undone."""
    serving = reference | found.own_reference
    served = np.isin(cells.lineage, np.unique(cells.lineage[serving]))
    baseline = build_baseline(cells.table.values, np.where(served, cells.lineage, -1), serving, folds)
    for lineage in np.unique(cells.lineage[~served]):
        mine = cells.lineage == lineage
        undone = [cells.table.values[p.cells].sum(axis=0) / p.factor for p in found.patterns if p.lineage == lineage]
        share = np.sum(undone or [cells.table.values[mine].sum(axis=0)], axis=0) + 0.5
        baseline.share[mine] = share / share.sum()
    return baseline


def _profile(
    matrix: sparse.csr_matrix,
    placed: sparse.csr_matrix,
    genes: pd.DataFrame,
    codes: np.ndarray,
    reference: np.ndarray,
    settings: Settings,
) -> Profile:
    """infercnvpy's profile against the lineages' references (all cells where there is none)."""
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    expression = log_normalise(placed, totals)
    if not len(genes):
        columns = pd.DataFrame(columns=["chromosome", "start", "end", "n_genes", "genes"])
        return Profile(sparse.csr_matrix((len(codes), 0)), columns, {})
    groups = np.full(len(codes), -1)
    if reference.any():
        groups[reference] = np.unique(codes[reference], return_inverse=True)[1]
    else:
        groups[:] = 0
    means = reference_means(expression, groups) if len(codes) else np.zeros((1, len(genes)))
    return infer_profile(
        expression,
        genes,
        means,
        window=settings.window,
        step=settings.step,
        clip=settings.clip,
        noise_sd=settings.noise_sd,
        noise_cells=groups >= 0,
    )
