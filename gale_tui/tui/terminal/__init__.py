"""What depends on the terminal; every private name of the framework is used here and nowhere else."""
