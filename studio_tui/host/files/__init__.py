"""The studio's folder: its tree, open texts, saving, search, trash and history."""
