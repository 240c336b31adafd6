"""Reading packs: files, YAML, CSV with places, sections, territories, until a `Pack` stands; all findings at once."""
