"""Pages of the engine itself: accounts, logs, background tasks, notices."""
