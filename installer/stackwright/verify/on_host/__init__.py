"""The program that proves a cloud, run on one of its hosts by that host's own Python (3.9 or newer, standard library
only). It imports nothing of the rest of the project: only this folder is copied there."""
