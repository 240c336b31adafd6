"""The doctor: proves that an installation can do its work, and says how to mend what cannot.

Each check is one function. Nothing is changed by any of them: no record, no row of the database, no file.
"""

from __future__ import annotations

from syncd.jobs.doctor.examination import examine
from syncd.jobs.doctor.verdicts import Result, Verdict

__all__ = ["Result", "Verdict", "examine"]
