"""The pack's own tests (RULES.md section 8): each case is one account, decided alone, and what it expects.

Unknown e-mails are active users, loads are zero, there is no ledger but the case's own, and every exception of the pack
applies. Reads no files; what a run of cases means for a command is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from syncd.errors import InputError, Place
from syncd.model.decisions import Decision, Outcome
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.model.normalisation import email, instant_or_date, number, text
from syncd.model.refs import System
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Applied, Directory, Facts, Rep, Seen
from syncd.rules.pack import Case, Pack
from syncd.rules.suggestion import did_you_mean
