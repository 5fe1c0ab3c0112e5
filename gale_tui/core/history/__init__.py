"""The history: every job, its timeline, batches, sets and drafts in one SQLite file that several instances share.

Start at `store.JobStore` (the methods, none of which blocks), `schema.MIGRATIONS` (the tables) and `open_store.History`
(what happens to a file that is new, old or damaged). A file goes through `open_store`, and `salvage` if it is damaged;
`writer` and `reader` work on it, each on its own thread; `connection` is SQLite and what its errors mean; `rows`
turns jobs into rows and back.

Imports `batch` for the tools of a batch, and the modules directly in `core`; never the engine or the network.
"""
