"""Leads: where each stands, who gets it, and the plan that gives it."""
