"""Picture of one patient's copy-number profile, cells by genome position: infercnvpy's chromosome heatmap."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import anndata as ad
import infercnvpy
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from natsort import natsorted
from PIL import Image
from scipy import sparse

from ..core.files import atomic_path

_MAX_CELLS = 400
_COLOURS = {"reference": "#9aa5b1", "diploid": "#4c9f70", "undetermined": "#e3c567", "aneuploid": "#b5443c"}
_CLONE_COLOURS = ("#b5443c", "#e08a5f")  # in turn, so that neighbours differ
_SIZE = (9, 5.2)  # inches
_NARROW = 0.018  # of the genome: a chromosome on which its name finds no room


def draw_heatmap(
    path: str | Path,
    cells: pd.DataFrame,
    profile: sparse.csr_matrix,
    chr_pos: dict[str, int],
    *,
    title: str,
    seed: int = 0,
) -> None:
    """Draw the smoothed profile of at most 400 cells as PNG.

    Cells are grouped by role, call and clone, sorted by lineage within, and drawn in proportion to the groups (at least
    10 of a group). Red is gain, blue is loss.

    Parameters
    ----------
    cells
        Cell table with cell_id, role, cnv_call, clone, lineage.
    profile
        (n_cells, n_windows) profile of the same rows.
    chr_pos
        First window of each chromosome.
    """
    group = _groups(cells)
    rows = _choose(cells, group, seed)
    if len(rows) and profile.shape[1]:
        figure = _draw(profile[rows].toarray(), group[rows], chr_pos)
        figure.suptitle(title, fontsize=11, y=0.985)
    else:
        figure = plt.figure(figsize=_SIZE)
        figure.text(0.5, 0.5, f"{title}: no copy-number profile", ha="center")
    _save(figure, path)


def _groups(cells: pd.DataFrame) -> pd.Categorical:
    """Role, call or clone of each cell, in drawing order."""
    clone = "aneuploid, " + cells["clone"].astype(object)
    group = clone.fillna(cells["cnv_call"]).where(cells["role"] != "reference", "reference")
    return pd.Categorical(group, [*_COLOURS, *natsorted(clone.dropna().unique())])


def _choose(cells: pd.DataFrame, group: pd.Categorical, seed: int) -> np.ndarray:
    """The rows to draw, in drawing order."""
    ordered = cells.assign(group=group).reset_index(drop=True).sort_values(["group", "lineage", "cell_id"])
    rng = np.random.default_rng(seed)
    rows = [np.empty(0, dtype=np.int64)]
    for _, part in ordered.groupby("group", observed=True, sort=True):
        number = min(len(part), max(10, int(_MAX_CELLS * 0.9 * len(part) / len(ordered))))
        rows.append(part.index.to_numpy()[np.sort(rng.choice(len(part), number, replace=False))])
    return np.concatenate(rows)[:_MAX_CELLS]


def _draw(values: np.ndarray, group: pd.Categorical, chr_pos: dict[str, int]) -> Figure:
    """The heatmap of cells in drawing order."""
    group = group.remove_unused_categories()
    limit = max(float(np.quantile(np.abs(values), 0.995)), 0.05)
    obs = pd.DataFrame({"group": group}, index=[str(number) for number in range(len(group))])
    starts = {name.removeprefix("chr"): first for name, first in chr_pos.items()}
    uns = {"cnv": {"chr_pos": starts}, "group_colors": _colours(group.categories)}
    adata = ad.AnnData(obs=obs, obsm={"X_cnv": values}, uns=uns)
    colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    axes = infercnvpy.pl.chromosome_heatmap(adata, groupby="group", figsize=_SIZE, show=False, **colours)
    _tidy(axes, np.diff([*sorted(starts.values()), values.shape[1]]) / values.shape[1])
    return axes["heatmap_ax"].figure


def _colours(groups: pd.Index) -> list[str]:
    clones = [name for name in groups if name not in _COLOURS]
    return [_COLOURS.get(name) or _CLONE_COLOURS[clones.index(name) % 2] for name in groups]


def _tidy(axes: dict[str, Axes], widths: np.ndarray) -> None:
    """Make room, and name only chromosomes whose share of the genome (`widths`) has some."""
    main = axes["heatmap_ax"]
    main.figure.subplots_adjust(left=0.125, right=0.925, top=0.9, bottom=0.03)
    for lines in main.collections:
        lines.set(color="black", linewidth=0.5)
    for text, width in zip(axes["gene_groups_ax"].texts, widths, strict=True):
        text.set(fontsize=8, visible=bool(width > _NARROW))
    if "groupby_ax" in axes:
        axes["groupby_ax"].set_ylabel("")
        axes["groupby_ax"].tick_params(axis="y", labelsize=7)
    scale = main.images[0].colorbar
    assert scale is not None  # infercnvpy draws one
    scale.ax.set_ylabel("smoothed log fold change", fontsize=8)
    scale.ax.tick_params(labelsize=7)


def _save(figure: Figure, path: str | Path) -> None:
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    plt.close(figure)
    with atomic_path(path) as part, Image.open(buffer) as image:
        # A palette makes the file three times smaller, and no eye can tell.
        image.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE).save(part, optimize=True)
