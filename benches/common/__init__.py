"""What the comparison, the limit and the growth share: measuring processes, tables, pictures."""
