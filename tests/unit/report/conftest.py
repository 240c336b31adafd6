"""The renderers' tests compare with golden files."""

from __future__ import annotations

from tests.golden_files import golden

__all__ = ["golden"]
