"""`cc.pl`: pictures that scanpy does not have, of what the other functions wrote; matplotlib Axes in and out."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from ..core.errors import InputError
from ..genes.positions import genome_order
from ..report.figures.palette import ACCENT, QUIET, label_colours
from .adata_tables import UNS, check_annotated
from .annotate_cells import Explanation


def composition(adata: AnnData, *, key: str = "label", ax: Axes | None = None) -> Axes:
    """Draw what share of each patient's cells is of which label; of cells that passed quality control.

    Parameters
    ----------
    adata
        After `annotate`.
    key
        The obs column that is counted: label, resolved_label, origin, verdict.
    ax
        Where to draw; None: a new figure.
    """
    check_annotated(adata)
    obs = adata.obs[adata.obs["qc_pass"]]
    _check_column(adata, key)
    column = adata.uns[UNS]["patient"]
    patients = obs[column].astype(str) if column else pd.Series("all cells", index=obs.index)
    labels = obs[key].astype(object).fillna("none")
    shares = pd.crosstab(patients, labels, normalize="index")
    ax = _axes(ax, height=1 + 0.4 * len(shares))
    left, colours = np.zeros(len(shares)), label_colours(shares.columns)
    for label in shares.columns:
        ax.barh(shares.index, shares[label], left=left, color=colours[label], label=label)
        left += shares[label].to_numpy()
    n_cells = patients.value_counts()
    ax.set_yticks(range(len(shares)), [f"{name} ({n_cells[name]:,} cells)" for name in shares.index])
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel=f"share of the patient's cells, by {key}")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return ax


def ood_scores(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the p-values of the cells against their null: of healthy cells the curve lies on the dashed line.

    To the left of the vertical line are the cells that are unlike the reference.

    Parameters
    ----------
    adata
        After `annotate`.
    ax
        Where to draw; None: a new figure.
    """
    check_annotated(adata)
    pvalues = np.sort(adata.obs.loc[adata.obs["qc_pass"], "ood_pvalue"].to_numpy(float))
    ax, alpha = _axes(ax), float(adata.uns[UNS]["alpha"])
    lowest = min(pvalues.min(), 1e-3)
    ax.plot([lowest, 1], [lowest, 1], "--", color=QUIET, label="healthy cells")
    ax.step(pvalues, np.arange(1, len(pvalues) + 1) / len(pvalues), where="post", color=ACCENT, label="these cells")
    ax.axvline(alpha, color=QUIET, linewidth=1)
    ax.set(xscale="log", yscale="log", xlabel="p-value", ylabel=f"share of {len(pvalues):,} cells at or below")
    ax.set_title(f"{np.mean(pvalues <= alpha):.1%} unlike the reference at {alpha:g}", loc="left", fontsize=10)
    ax.legend(frameon=False)
    return ax


def programs(explained: Explanation, label: str, *, n_genes: int = 6, ax: Axes | None = None) -> Axes:
    """Draw the programs of a label: for each memory slot the genes that say most, and what they add to the logit.

    Parameters
    ----------
    explained
        Of `explain`; patients are averaged.
    label
        A label that occurs.
    n_genes
        Of each slot.
    ax
        Where to draw; None: a new figure.
    """
    table = explained.programs[explained.programs["label"] == label].dropna(subset=["slot"])
    if not len(table):
        known = ", ".join(sorted(explained.programs["label"].unique()))
        raise InputError(f"label: no program of {label!r}. Known are: {known}.")
    weights = table.groupby(["slot", "symbol"])["weight"].mean()
    best = [part.nlargest(n_genes) for _, part in weights.groupby("slot")]
    shown = pd.concat(sorted(best, key=lambda part: -part.sum())).iloc[::-1]
    slots, symbols = shown.index.get_level_values("slot").astype(int), shown.index.get_level_values("symbol")
    ax = _axes(ax, height=1 + 0.18 * len(shown))
    colours = label_colours([f"{slot:03d}" for slot in sorted(set(slots))])
    ax.barh(range(len(shown)), shown.to_numpy(), color=[colours[f"{slot:03d}"] for slot in slots])
    names = [f"{symbol}  (slot {slot})" for slot, symbol in zip(slots, symbols, strict=True)]
    ax.set_yticks(range(len(shown)), names, fontsize=7)
    ax.set_xlabel(f"added to the logit of {label}")
    return ax


def arms(adata: AnnData, *, ax: Axes | None = None) -> Axes:
    """Draw the chromosome arms of each clone: log2 ratio to normal cells; a dot marks an arm that is called.

    Parameters
    ----------
    adata
        After `infer_cnv`.
    ax
        Where to draw; None: a new figure.
    """
    table = adata.uns.get(UNS, {}).get("cnv_arms")
    if table is None:
        raise InputError("adata: it has no copy number. Call infer_cnv(adata) first.")
    table = table[table["clone"].notna()].astype({"clone": str, "patient_id": str})
    if not len(table):
        raise InputError("adata: no cell is of a clone; there is nothing to draw.")
    names = table["patient_id"] + ", " + table["clone"] if adata.uns[UNS]["patient"] else table["clone"]
    table = table.assign(arm=table["arm"].astype(str), name=names)
    ratios = table.pivot_table(index="name", columns="arm", values="log2_ratio", aggfunc="mean", observed=True)
    calls = table.pivot_table(index="name", columns="arm", values="call", aggfunc="median", observed=True)
    order = genome_order(ratios.columns)
    ratios, calls = ratios[order], calls[order]
    ax = _axes(ax, width=9, height=1.2 + 0.35 * len(ratios))
    image = ax.imshow(ratios, aspect="auto", cmap="RdBu_r", norm=TwoSlopeNorm(0, -1, 1))
    for row, column in np.argwhere(calls.fillna(0).to_numpy() != 0):
        ax.plot(column, row, "o", color="black", markersize=3)
    ax.set_xticks(range(len(order)), order, rotation=90, fontsize=7)
    ax.set_yticks(range(len(ratios)), ratios.index)
    ax.figure.colorbar(image, ax=ax, label="log2 ratio", shrink=0.8)
    return ax


def _axes(ax: Axes | None, *, width: float = 6, height: float = 4) -> Axes:
    return plt.subplots(figsize=(width, height), layout="constrained")[1] if ax is None else ax


def _check_column(adata: AnnData, key: str) -> None:
    if key not in adata.obs:
        raise InputError(f"adata: obs has no column {key!r}. Choose one of: {', '.join(map(str, adata.obs.columns))}.")
