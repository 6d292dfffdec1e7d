"""Pages of log-in, passwords, sessions, second factor and language, and the matrix of permissions."""
