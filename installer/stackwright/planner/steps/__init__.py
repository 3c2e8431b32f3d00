"""One module per kind of step in a plan."""
