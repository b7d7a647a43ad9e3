"""Where vectors come from: one reader per format."""
