"""Evidence of the arms that are known of a patient's tumour: whether a group of cells carries just these."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..cnv.cell_groups import GROUP

CARRIED = 0.9
"""Share of a tumour's known arms that a group of its cells shows."""
LIMIT = 6.0


def read_known_arms(texts: Iterable[str]) -> dict[str, int]:
    """Sign by arm of what the sheet names, such as ``1p-,19q-``; an arm that is named with both signs tells nothing."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    named = {(part[:-1], 1 if part[-1] == "+" else -1) for part in parts}
    arms = [arm for arm, _ in named]
    return {f"chr{arm}": sign for arm, sign in sorted(named) if arms.count(arm) == 1}


def known_arm_evidence(cells: pd.DataFrame, arms: pd.DataFrame, known: dict[str, int]) -> np.ndarray:
    """Log Bayes factor (n,) of each cell's group by the known arms, within `LIMIT`; 0 where no group was described.

    An arm speaks for the tumour the more, the fewer other arms the group has changed in the same direction: what sets
    one lineage apart from another falls on any arm. An arm that is missing speaks against.

    Parameters
    ----------
    cells
        lineage, cnv_call, clone of n cells.
    arms
        The patient's cnv_arms table.
    known
        From :func:`read_known_arms`.
    """
    if not known or arms.empty:
        return np.zeros(len(cells))
    rows = [(*name, _of_group(group, known)) for name, group in arms.groupby(GROUP, dropna=False, sort=True)]
    table = pd.DataFrame(rows, columns=[*GROUP, "evidence"]).astype(dict.fromkeys(GROUP, object))
    found = cells[GROUP].astype(object).merge(table, on=GROUP, how="left")["evidence"]
    return found.fillna(0.0).to_numpy(float)


def _of_group(arms: pd.DataFrame, known: dict[str, int]) -> float:
    call = arms.set_index("arm")["call"]
    terms = [_of_arm(call, arm, sign) for arm, sign in known.items() if arm in call.index]
    return float(np.clip(np.sum(terms), -LIMIT, LIMIT))


def _of_arm(call: pd.Series, arm: str, sign: int) -> float:
    others = call.drop(arm)
    by_chance = ((others == sign).sum() + 1) / (len(others) + 2)
    if call[arm] == sign:
        return float(np.log(CARRIED / by_chance))
    return float(np.log((1 - CARRIED) / (1 - by_chance)))
