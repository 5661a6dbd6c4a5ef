"""Steps that need each other, when each of them may run, and times at which they are to."""
