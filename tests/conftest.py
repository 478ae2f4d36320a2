"""What every test can ask for: stores, buses, servers and browsers, all real."""

pytest_plugins = [
    "tests.fixtures.stores",
    "tests.fixtures.buses",
    "tests.fixtures.servers",
    "tests.fixtures.browsers",
    "tests.fixtures.hosts",
    "tests.fixtures.sign_in",
    "tests.browser.embedding",
]
