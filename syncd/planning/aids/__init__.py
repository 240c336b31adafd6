"""Planning aids: what a person looks at before they change rules. Pure: values in, values out; nothing here writes."""
