"""Call copy number from the raw counts of one patient: aneuploid cells, their arms and clones, by the arm model."""

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
from .arm_counts import ArmCounts, count_arms, gene_weights
from .arm_effects import arm_rows
from .baseline import Baseline, arm_dispersion, build_baseline, fold_numbers
from .cell_calls import TAKEN_OUT, call_cells, group_arms, reference_sources, undetermined_cells
from .cell_groups import GROUP
from .clones import find_groups
from .normals.limits import NormalCells, own_normal_cells
from .patterns import Cells, PatternSearch, find_patterns
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
        Of each group of cells: lineage, cnv_call, clone, arm, log2_ratio, z, call (-1, 0, 1).
    profile
        CSR float64 (n_cells, n_windows), infercnvpy's smoothed profile.
    columns
        chromosome, start, end, n_genes, genes of each window.
    chr_pos
        First window of each chromosome.
    normals
        The patient's own normal cells of the largest lineage that has a reference; None without one.
    reference
        What served as normal, what was refused, and why: label, group, n_cells, used, why. None unless the cells were
        chosen by :func:`cellcohort.cnv.call_patient.call_patient`.
    """

    cells: pd.DataFrame
    arms: pd.DataFrame
    profile: sparse.csr_matrix
    columns: pd.DataFrame
    chr_pos: dict[str, int]
    normals: NormalCells | None = None
    reference: pd.DataFrame | None = None


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

    The result depends on the set of cells, not on their order, on chunks or threads (design law 1).

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
    _check_columns(adata, [lineage, reference] + ([borrowed] if borrowed else []))
    genes = place_genes(adata.var_names, positions, exclude_chromosomes=settings.exclude_chromosomes)
    arms = chromosome_arms("hg38") if arms is None else arms
    layout = lay_out_arms(genes, arms)
    order = np.argsort(adata.obs_names.to_numpy().astype(str), kind="stable")
    counts = _counts(adata)[order]
    placed = counts[:, genes["column"].to_numpy()]
    names, codes = np.unique(_lineages(adata, lineage)[order], return_inverse=True)
    is_borrowed = _flags(adata, borrowed)[order] if borrowed else np.zeros(len(order), dtype=bool)
    is_reference = _flags(adata, reference)[order]
    is_reference &= _in_matched_lineage(codes, is_reference, min_reference)
    reason = _why_nothing_can_be_called(genes, layout, is_reference, min_reference)
    if reason:
        table = undetermined_cells(names.astype(object)[codes], is_reference, reason)
        arm_table, normals = arm_rows(table[GROUP][:0], [], [], []), None
    else:
        genome_arms = _genome_arms(positions, arms, settings)
        cells = _group_cells(placed, layout, codes, list(names), is_reference, genome_arms, settings, seed)
        table, arm_table, is_reference, normals = _call(cells, is_reference, is_borrowed, min_reference, seed)
    profile = _profile(counts, placed, genes, codes, is_reference, settings)
    original = np.argsort(order, kind="stable")
    table = table.iloc[original].reset_index(drop=True)
    table.insert(0, "cell_id", adata.obs_names.to_numpy().astype(str))
    return CnvResult(table, arm_table, profile.values[original], profile.columns, profile.chr_pos, normals)


def _check_columns(adata: AnnData, columns: list[str]) -> None:
    for column in columns:
        if column not in adata.obs:
            raise InputError(f"copy number: obs column {column!r} is missing. Add it or name another one.")


def _lineages(adata: AnnData, column: str) -> np.ndarray:
    """An obs column of names; missing values are called unassigned."""
    return adata.obs[column].astype(object).fillna("unassigned").astype(str).to_numpy()


def _flags(adata: AnnData, column: str) -> np.ndarray:
    """An obs column of true and false; missing values are false."""
    values = adata.obs[column].astype(object)
    values = values.where(values.notna(), False)
    if not values.isin([True, False]).all():
        raise InputError(f"copy number: obs column {column!r} holds other values than true and false. Make it so.")
    return values.to_numpy().astype(bool)


def _counts(adata: AnnData) -> sparse.csr_matrix:
    """The counts as CSR float; raises on values that cannot be counts."""
    matrix = sparse.csr_matrix(adata.X)
    if matrix.dtype.kind != "f":
        matrix = matrix.astype(np.float32)
    if matrix.nnz and not (np.isfinite(matrix.data).all() and matrix.data.min() >= 0):
        raise InputError("copy number: X holds negative or non-finite values. Give raw counts.")
    return matrix


def _in_matched_lineage(lineage: np.ndarray, reference: np.ndarray, min_reference: int) -> np.ndarray:
    """Cells (bool) of lineages with enough reference cells."""
    n_reference = np.bincount(lineage[reference], minlength=lineage.max(initial=-1) + 1)
    return (n_reference >= min_reference)[lineage]


def _why_nothing_can_be_called(
    genes: pd.DataFrame, layout: ArmLayout, reference: np.ndarray, min_reference: int
) -> str | None:
    """The reason, or None if copy number can be called."""
    if not len(reference):
        return "no cells"
    if len(genes) < _MIN_GENES or layout.n_arms < 2:
        return f"only {len(genes)} genes with a position on {layout.n_arms} chromosome arms"
    if not reference.any():
        return f"no lineage with {min_reference} reference cells"
    return None


def _genome_arms(positions: pd.DataFrame, arms: pd.DataFrame, settings: Settings) -> list[str]:
    """Arms that all genes with a position would measure."""
    genes = place_genes(
        positions["symbol"].drop_duplicates(), positions, exclude_chromosomes=settings.exclude_chromosomes
    )
    return lay_out_arms(genes, arms).names


def _group_cells(
    placed: sparse.csr_matrix,
    layout: ArmLayout,
    lineage: np.ndarray,
    names: list[str],
    reference: np.ndarray,
    genome_arms: list[str],
    settings: Settings,
    seed: int,
) -> Cells:
    """Arm counts, and the groups of cells within each lineage."""
    weights = gene_weights(placed, lineage, len(names))
    arm_counts = count_arms(placed, layout, weights)
    folds = fold_numbers(len(lineage), seed)
    half = build_baseline(arm_counts.half, np.where(reference, lineage, -1), reference, folds)
    dispersion = arm_dispersion(arm_counts.half[reference], half.share[reference])
    group = np.zeros(len(lineage), dtype=np.int64)
    for number in range(len(names)):
        rows = np.flatnonzero(lineage == number)
        part = ArmCounts(arm_counts.values[rows], arm_counts.half[rows])
        group[rows] = find_groups(placed[rows], layout, part, dispersion, settings=settings, seed=seed)
    return Cells(placed, layout, arm_counts, lineage, names, group, genome_arms, settings)


def _call(
    cells: Cells, candidates: np.ndarray, borrowed: np.ndarray, min_reference: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, NormalCells | None]:
    """Patterns with a purified reference, then every cell, then every group: cell and arm table, reference, normals."""
    reference, matched, search = _purify(cells, candidates, min_reference)
    baseline = _baseline(cells, reference, search, fold_numbers(len(reference), seed))
    table = call_cells(cells, reference, matched, search, baseline)
    arm_table = group_arms(cells, table, reference, matched, search)
    table["reference_source"] = reference_sources(cells, reference, borrowed, matched, search)
    carriers = np.zeros(len(reference), dtype=bool)
    for pattern in search.patterns:
        carriers[pattern.cells] = True
    table.loc[candidates & carriers, "reason"] = TAKEN_OUT
    return table, arm_table, reference, own_normal_cells(cells, reference & ~borrowed, baseline)


def _purify(cells: Cells, candidates: np.ndarray, min_reference: int) -> tuple[np.ndarray, list[int], PatternSearch]:
    """Search for patterns until no reference cell lies in a group with one: reference, matched lineages, search."""
    reference = candidates.copy()
    for _ in range(_MAX_PURIFICATION):
        reference &= _in_matched_lineage(cells.lineage, reference, min_reference)
        matched = np.unique(cells.lineage[reference]).tolist()
        search = find_patterns(cells, reference, matched, min_reference=min_reference)
        if (search.reference == reference).all():
            break
        reference = search.reference
    return reference, matched, search


def _baseline(cells: Cells, reference: np.ndarray, search: PatternSearch, folds: np.ndarray) -> Baseline:
    """Diploid expectation of each cell; an unmatched lineage takes its own normal group, or itself, patterns undone."""
    serving = reference | search.own_reference
    served = np.isin(cells.lineage, np.unique(cells.lineage[serving]))
    values = cells.arm_counts.values
    baseline = build_baseline(values, np.where(served, cells.lineage, -1), serving, folds)
    for lineage in np.unique(cells.lineage[~served]):
        members = cells.lineage == lineage
        undone = [values[p.cells].sum(axis=0) / p.dosage for p in search.patterns if p.lineage == lineage]
        share = np.sum(undone or [values[members].sum(axis=0)], axis=0) + 0.5
        baseline.share[members] = share / share.sum()
    return baseline


def _profile(
    counts: sparse.csr_matrix,
    placed: sparse.csr_matrix,
    genes: pd.DataFrame,
    lineage: np.ndarray,
    reference: np.ndarray,
    settings: Settings,
) -> Profile:
    """infercnvpy's profile against the lineages' references (all cells where there is none)."""
    totals = np.asarray(counts.sum(axis=1)).ravel()
    expression = log_normalise(placed, totals)
    if not len(genes):
        columns = pd.DataFrame(columns=["chromosome", "start", "end", "n_genes", "genes"])
        return Profile(sparse.csr_matrix((len(lineage), 0)), columns, {})
    groups = np.full(len(lineage), -1)
    if reference.any():
        groups[reference] = np.unique(lineage[reference], return_inverse=True)[1]
    else:
        groups[:] = 0
    means = reference_means(expression, groups) if len(lineage) else np.zeros((1, len(genes)))
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
