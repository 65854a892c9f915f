"""The picture of one patient: cells by genome position."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image
from scipy import sparse

from ..core.files import atomic_path

_MAX_CELLS = 400
_COLOURS = {
    "reference": "#9aa5b1", "diploid": "#4c9f70", "undetermined": "#e3c567", "aneuploid": "#b5443c",
}  # fmt: skip


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

    Cells are sorted by role, call, clone and lineage, and drawn in proportion to each of these groups (at least 10 of
    a group). Red is gain, blue is loss.

    Parameters
    ----------
    cells
        Cell table with role, cnv_call, clone, lineage.
    profile
        (n_cells, n_windows) profile of the same rows.
    """
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    rows, group = _choose(cells, seed)
    if not len(rows) or not profile.shape[1]:
        figure.text(0.5, 0.5, f"{title}: no copy-number profile", ha="center")
    else:
        _draw(figure, profile[rows].toarray(), group[rows], chr_pos, title)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    with atomic_path(path) as part, Image.open(buffer) as image:
        # A palette makes the file three times smaller, and no eye can tell.
        image.convert("RGB").quantize(128).save(part, optimize=True)


def _choose(cells: pd.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows to draw, in drawing order, and every row's group."""
    group = cells["cnv_call"].where(cells["role"] != "reference", "reference").to_numpy()
    key = cells.assign(group=pd.Categorical(group, list(_COLOURS)), clone=cells["clone"].fillna(""))
    key = key.reset_index(drop=True).sort_values(["group", "clone", "lineage", "cell_id"])
    rng = np.random.default_rng(seed)
    rows = []
    for _, part in key.groupby(["group", "clone"], observed=True, sort=True):
        number = min(len(part), max(10, int(_MAX_CELLS * 0.9 * len(part) / len(key))))
        rows.append(part.index.to_numpy()[np.sort(rng.choice(len(part), number, replace=False))])
    return np.concatenate(rows)[:_MAX_CELLS] if rows else np.empty(0, dtype=np.int64), group


def _draw(figure: Figure, values: np.ndarray, group: np.ndarray, chr_pos: dict[str, int], title: str) -> None:
    side, main = figure.subplots(1, 2, width_ratios=[0.02, 1], sharey=True)
    limit = max(float(np.quantile(np.abs(values), 0.995)), 0.05)
    image = main.imshow(values, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    starts = sorted(chr_pos.values())
    ends = [*starts[1:], values.shape[1]]
    for start in starts[1:]:
        main.axvline(start - 0.5, color="black", linewidth=0.4)
    names = [name.removeprefix("chr") for name in sorted(chr_pos, key=chr_pos.get)]
    spans = [(a, b, name) for a, b, name in zip(starts, ends, names, strict=True) if b - a > 0.012 * values.shape[1]]
    main.set_xticks([(a + b) / 2 for a, b, _ in spans], [name for *_, name in spans], fontsize=7)
    main.tick_params(length=0, labelleft=False)
    main.set_xlabel("chromosome")
    main.set_title(title, fontsize=10)
    colours = np.array([[matplotlib.colors.to_rgb(_COLOURS[name])] for name in group])
    side.imshow(colours, aspect="auto", interpolation="nearest")
    side.set_xticks([])
    edges = np.flatnonzero(group[1:] != group[:-1]) + 1
    bounds = [0, *edges, len(group)]
    side.set_yticks(
        [(a + b) / 2 for a, b in pairwise(bounds)],
        [group[start] for start in bounds[:-1]],
        fontsize=8,
    )
    side.tick_params(length=0)
    figure.colorbar(image, ax=main, shrink=0.6, pad=0.01, label="smoothed log fold change")
