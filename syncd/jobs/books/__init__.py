"""The book: companies of the mirror as rules see them, whole or by columns, kept between processes."""
