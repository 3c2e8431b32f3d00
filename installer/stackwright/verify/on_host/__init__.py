"""The program that verifies a cloud. It runs on a host of the cloud with the system's Python (3.9 or newer, standard
library only). It imports nothing from the rest of the project, because only this folder is copied there."""
