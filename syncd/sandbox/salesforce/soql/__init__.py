"""The SOQL subset of the fake Salesforce: parsed by a grammar, then run over its tables."""
