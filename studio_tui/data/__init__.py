"""Buckets and warehouses: what is in them, a look at it, and copies of it. Blocking throughout."""
