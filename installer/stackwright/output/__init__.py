"""The display of a run: live view, plain text or JSON."""
