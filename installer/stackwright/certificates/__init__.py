"""The certificates of the cloud's servers: generated once by an authority, or provided by the administrator."""

from stackwright.certificates.generate import gather
from stackwright.certificates.validate import Complaint, check

__all__ = ["Complaint", "check", "gather"]
