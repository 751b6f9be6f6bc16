"""Temperatures that stations report, one for each day, and what was extreme in them."""
