"""Papers as pages that browsers print."""
