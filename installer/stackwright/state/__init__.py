"""What is kept about a cloud on the controlling machine."""
