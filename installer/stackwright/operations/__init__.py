"""The operations behind the commands, end to end: apply, verify, lock, bundle, test, health."""
