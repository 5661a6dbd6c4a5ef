"""Typed views over the shared CRDT documents; the only client-side room with pycrdt."""
