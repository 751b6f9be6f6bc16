"""A plugin that does nothing: what any plugin costs a pytest that loads it in the same way."""


def pytest_configure(config):
    pass
