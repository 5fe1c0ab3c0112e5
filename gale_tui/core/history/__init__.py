"""The history of all jobs in SQLite, written before anything is shown."""
