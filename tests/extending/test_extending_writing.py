"""Cardbox's writer passes the contract suite."""

from tests.contract.test_contract_writing import *  # noqa: F403 - the suite, whole
