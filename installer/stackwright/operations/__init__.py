"""What a person asks for, end to end: apply, verify, lock, bundle, test, health."""
