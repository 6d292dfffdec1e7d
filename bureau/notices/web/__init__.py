"""The page of the webhook."""
