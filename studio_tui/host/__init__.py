"""The studio's hands: the only process that touches files, terminals, jobs and meters."""
