"""Long and periodic work outside a request."""
