"""The subcommands of `jamd`: one module each, importing its side only when it is called."""
