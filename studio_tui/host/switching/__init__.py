"""The way of the studio from one machine to another."""
