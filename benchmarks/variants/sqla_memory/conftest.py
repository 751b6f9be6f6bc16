"""pytest-sqla as its README starts: in memory, tables from the models."""
