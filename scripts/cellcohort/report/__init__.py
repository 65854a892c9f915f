"""The cohort report: one HTML file that opens with no network, and its figures as SVG."""

from .page import render_report

__all__ = ["render_report"]
