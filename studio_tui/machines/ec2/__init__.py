"""An EC2 instance as a machine: started, stopped, and given another type with the same disk."""
