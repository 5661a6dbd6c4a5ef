"""Templates to start from, and the lessons that come with them."""
