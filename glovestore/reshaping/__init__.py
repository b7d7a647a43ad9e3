"""Stores made of stores: in another dtype, of some tokens, or of several stores."""

from glovestore.reshaping.converting import convert
from glovestore.reshaping.merging import merge
from glovestore.reshaping.reports import ConvertReport, MergeReport, SliceReport
from glovestore.reshaping.slicing import slice

__all__ = ["ConvertReport", "MergeReport", "SliceReport", "convert", "merge", "slice"]
