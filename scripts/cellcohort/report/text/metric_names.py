"""Names of the evaluation's metrics as the report writes them."""

from __future__ import annotations

from ..report_data import UNLIKE_REFERENCE

METRIC_NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "balanced_accuracy": "balanced accuracy",
    "ece": "expected calibration error",
    "ood_auroc": f"AUROC, {UNLIKE_REFERENCE}",
    "ood_aupr": f"AUPR, {UNLIKE_REFERENCE}",
    "ood_recall": f"recall, {UNLIKE_REFERENCE}",
    "ood_false_alarm_rate": f"false alarms, {UNLIKE_REFERENCE}",
    "recall": "recall",
    "precision": "precision",
}
