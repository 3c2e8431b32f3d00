"""What the cloud's servers show to those who connect to them: made once by an authority and kept, or brought."""

from stackwright.certificates.brought import Complaint, check
from stackwright.certificates.made import gather

__all__ = ["Complaint", "check", "gather"]
