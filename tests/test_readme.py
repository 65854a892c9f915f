"""tests/README.md shows the catalogue of odd inputs as it is."""

from __future__ import annotations

from readme_table import PATH, content


def test_the_table_is_that_of_the_catalogue():
    assert PATH.read_text(encoding="utf-8") == content(), "run: python tests/readme_table.py"
