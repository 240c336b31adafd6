"""Fake Salesforce and HubSpot to try, test and demonstrate syncd on; knows nothing of syncd but errors and clock."""
