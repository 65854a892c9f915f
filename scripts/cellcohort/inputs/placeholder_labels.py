"""Labels that name no cell type: words for a missing label, and what people call cells that are none."""

from __future__ import annotations

import re

_PLACEHOLDERS = {"", "-", "--", "?", "na", "n/a", "n.a.", "nan", "<na>", "none", "null", "missing", "unknown"}
_PLACEHOLDERS |= {"unassigned", "unlabelled", "unlabeled", "unclassified", "unannotated"}
_PLACEHOLDERS |= {f"not {word}" for word in ("assigned", "labelled", "labeled", "classified", "annotated")}
_UNNAMED = (
    *("unknown", "unassigned", "unlabell?ed", "unclassified", "unannotated", "unidentified", "unspecified"),
    *("undefined", "undetermined", "unresolved", "uncertain", "ambiguous", "no label", "no type"),
)
_NO_CELLS = (
    *("(poor|bad) quality", "low ?q", "lowquality", "(cell )?debris", "ambient( rna)?", "empty( drop(let)?s?)?"),
    *("art[ei]facts?", "contaminants?", "contaminat(ed|ion)", "junk", "noise", "outliers?", "dead", "dying"),
    *("filtered( out)?", "removed?", "to remove", "excluded?", "discard(ed)?"),
)
_WHOLE = re.compile(rf"({'|'.join((*_UNNAMED, *_NO_CELLS))})( (cells?|cell types?|types?|clusters?))?( ?\d+)?")
_ANYWHERE = re.compile(r"(?<!\bno )(?<!\bnon )(?<!\bnot )\b(doublets?|multiplets?|triplets?|low quality)(\b|(?=\d))")
_BETWEEN_WORDS = re.compile(r"[\s_\-.:/()\[\]]+")


def is_placeholder(label: str) -> bool:
    """Whether a label, in capitals or not, only says that there is none; "_" stands for a blank."""
    return label.strip().lower().replace("_", " ") in _PLACEHOLDERS


def names_no_type(label: str) -> bool:
    """Whether a label names no cell type: a placeholder, with a number or not, doublets, debris."""
    words = _BETWEEN_WORDS.sub(" ", label.lower()).strip()
    return is_placeholder(label) or bool(_WHOLE.fullmatch(words) or _ANYWHERE.search(words))
