"""What a run looks like: a live view, plain text, JSON."""
