"""What 311 staff and whoever keeps the content true see: a process of its own, which needs no Rasa and no model."""
