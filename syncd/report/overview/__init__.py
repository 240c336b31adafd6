"""The report of the whole book as one HTML file: figures, pictures, a map, tables. Renders a document; asks nothing."""
