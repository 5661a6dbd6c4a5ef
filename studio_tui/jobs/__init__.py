"""Jobs: from what a person asked for, to a plan, to a process on a machine, to its curves."""
