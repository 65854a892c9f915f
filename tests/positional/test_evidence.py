"""Which cells carry positional evidence."""

import numpy as np
import pandas as pd

from cellcohort.positional.evidence import SUSPECT, altered


def test_either_p_value_is_enough_and_a_missing_one_is_none():
    table = pd.DataFrame({"pvalue": [1e-3, 0.2, np.nan, 5e-3], "group_pvalue": [0.5, 1e-4, np.nan, np.nan]})
    assert altered(table).tolist() == [True, True, False, False]
    assert altered(table, level=SUSPECT).tolist() == [True, True, False, True]
