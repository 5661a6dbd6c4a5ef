"""The far end of a studio's files: serves those of one folder, and searches in them."""
