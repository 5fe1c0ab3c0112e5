"""The parts that depend on the terminal; the framework's private names are used here and nowhere else."""
