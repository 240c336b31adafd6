"""Fake Salesforce and HubSpot for trying, testing and demonstrating syncd; knows nothing of syncd but errors and clock."""
