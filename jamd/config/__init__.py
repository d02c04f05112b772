"""Every setting, by section and by key: config.toml, the command line, and songs."""
