"""The one place that speaks HTTP: trust, proxies, deadlines, redirects, and the key to its own origin only."""
