"""Systems that lack what POSIX has."""
