"""Words that stand for a missing label: what people and programs write for a cell that was not named."""

from __future__ import annotations

_PLACEHOLDERS = {"", "-", "--", "?", "na", "n/a", "n.a.", "nan", "<na>", "none", "null", "missing", "unknown"}
_PLACEHOLDERS |= {"unassigned", "unlabelled", "unlabeled", "unclassified", "unannotated"}
_PLACEHOLDERS |= {f"not {word}" for word in ("assigned", "labelled", "labeled", "classified", "annotated")}


def is_placeholder(label: str) -> bool:
    """Whether a label, in capitals or not, only says that there is none; "_" stands for a blank."""
    return label.strip().lower().replace("_", " ") in _PLACEHOLDERS
