"""Where things are kept, what the user configured, and which studios are theirs."""
