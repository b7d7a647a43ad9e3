"""The store's file: where things stand in it, who writes it, how it is checked. FORMAT.md specifies it."""
