"""The machines a studio works on: what they are, how to reach them, what is put there."""
