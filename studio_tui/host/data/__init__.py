"""Buckets and warehouses, and copies between them and the studio's folder."""
