"""Reading packs: files, YAML and CSV with places, sections and territories, until a `Pack` stands; every finding at once."""
