"""The studio's machines: one connection each, what they measure, the ways to reach them."""
