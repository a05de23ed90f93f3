"""Looks at model files without running them."""
