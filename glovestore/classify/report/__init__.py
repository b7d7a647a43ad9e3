"""The page about a trained classifier: one HTML file that needs nothing else, no network and no script.

`page` writes it; `sections` picks what is shown, `curves` and `confusion` place it, `templates/` says how it looks.
"""

from glovestore.classify.report.page import render_report, write_report

__all__ = ["render_report", "write_report"]
