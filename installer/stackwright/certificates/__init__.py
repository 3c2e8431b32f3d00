"""What the cloud's servers show to those who connect to them: made once by an authority and kept, or brought."""

from stackwright.certificates.generate import gather
from stackwright.certificates.validate import Complaint, check

__all__ = ["Complaint", "check", "gather"]
