"""Amparo: how a message comes in, is understood, and goes out."""
