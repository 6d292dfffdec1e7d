"""The bureau's own pages and commands, where a generated screen is not enough."""
