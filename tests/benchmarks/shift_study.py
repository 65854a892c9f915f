"""OOD calls where the same types come from another platform or are in another state: this version and the released one.

    python tests/benchmarks/shift_study.py --data ../shared/data --out shift_study.json

The tasks are `tasks.SHIFTED_TASKS`: blood by three chemistries in all six directions, and blood stimulated by
interferon on unstimulated blood, each with a type left out of the reference and with none. Recall of the type that is
left out, and false alarms among the others at alpha 0.05; stimulated monocytes, which are another state of a known
type, are counted apart.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from ood_study import ALPHA, current, fit, released
from tasks import SHIFTED_TASKS, STATE, Task, load_task, study_options

RULES = {"released": released, "current": current}


def main() -> None:
    options = study_options(__doc__)
    rows = []
    for name in SHIFTED_TASKS:
        for seed in options.seeds:
            rows += called(load_task(options.data, name, seed=seed), seed)
        print(summary(pd.DataFrame(rows).query("task == @name")).to_string(header=len(rows) <= 2 * len(options.seeds)))
    table = pd.DataFrame(rows)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")
    table["kind"] = np.where(table["task"].str.startswith(STATE), "state", "chemistry")
    print(
        table.groupby(["kind", "rule"])[["recall", "false alarms", "stimulated monocytes"]].mean().round(3).to_string()
    )


def called(task: Task, seed: int) -> list[dict]:
    """Recall and false alarms by both rules."""
    fitted, query = fit(task, seed)
    ids = np.arange(query.shape[0]).astype(str)
    apart = (task.truth == "Mono") & task.name.startswith(STATE) & ~task.unknown
    rows = []
    for rule, decide in RULES.items():
        is_ood = decide(fitted, query, ids) <= ALPHA
        cells = {"recall": task.unknown, "false alarms": ~task.unknown & ~apart, "stimulated monocytes": apart}
        shares = {what: float(is_ood[chosen].mean()) if chosen.any() else None for what, chosen in cells.items()}
        rows.append({"task": task.name, "seed": seed, "rule": rule} | shares)
    return rows


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds."""
    figures = ["recall", "false alarms", "stimulated monocytes"]
    return table.astype(dict.fromkeys(figures, float)).groupby(["task", "rule"], sort=False)[figures].mean().round(3)


if __name__ == "__main__":
    main()
