"""Cardbox's reader passes the contract suite: what docs/extending.md promises to whoever adds a CRM."""

from tests.contract.test_contract_reading import *  # noqa: F403 - the suite, whole

# how many calls a walk takes is each CRM's own figure
del test_a_full_walk_makes_no_more_calls_than_its_pages_need  # noqa: F821
# Cardbox keeps no history of a deal's steps
del test_the_way_of_a_deal_through_its_stages_is_told_in_the_mirrors_words  # noqa: F821
del test_a_stage_that_is_read_from_elsewhere_has_no_history  # noqa: F821
