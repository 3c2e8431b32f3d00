"""The state directory of a cloud on the controlling machine: access, journal, snapshots."""
