"""A pack from a CSV export of Salesforce territories: what can be said in rules, and what cannot, with its place."""
