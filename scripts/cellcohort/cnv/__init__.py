"""Copy number from expression: infercnvpy's profile for the picture, calls from the counts themselves."""

from .call import CnvResult, call_copy_number
from .genome import place_genes
from .profile import infer_profile, write_profile
from .settings import Settings

__all__ = ["CnvResult", "Settings", "call_copy_number", "infer_profile", "place_genes", "write_profile"]
