"""Regions whose references tell the order of strokes."""

REGIONS = {"prc": "PRC", "tw": "Taiwan"}
"""Names of the regions whose references are known."""

ORDERS = ("prc", "tw")
"""Orders of writing that can be asked for: the PRC's, and Taiwan's."""
