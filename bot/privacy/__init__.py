"""What is never written down, and how it is made sure."""
