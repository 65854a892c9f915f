"""Which cells carry positional evidence."""

import numpy as np
import pandas as pd

from cellcohort.positional.evidence import SUSPECT, altered


def test_a_neighbourhood_is_evidence_and_a_group_where_the_neighbourhood_hints_at_it():
    table = pd.DataFrame({"pvalue": [1e-3, 0.04, 0.2, np.nan, 5e-3], "group_pvalue": [0.5, 1e-4, 1e-4, np.nan, np.nan]})
    assert altered(table).tolist() == [True, True, False, False, False]
    assert altered(table, level=SUSPECT).tolist() == [True, True, False, False, True]


def test_an_empty_table_has_no_evidence():
    assert altered(pd.DataFrame({"pvalue": [], "group_pvalue": []}, dtype=float)).tolist() == []
