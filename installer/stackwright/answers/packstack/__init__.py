"""Everything about answer files and flags of Packstack's releases."""
