"""What the engine itself has on screen: accounts, logs, background tasks, notices."""
