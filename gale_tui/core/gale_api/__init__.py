"""GALE's calls: ids in, models out, everything else an error."""
