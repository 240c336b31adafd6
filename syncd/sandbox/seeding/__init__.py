"""Making up companies, people and deals from a seed, spelled the way two CRMs would; knows no server and no wire."""
