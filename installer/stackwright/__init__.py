"""Stackwright: installs OpenStack on one or more hosts over SSH, with Puppet, and proves that it works."""

__version__ = "0.1.0"
