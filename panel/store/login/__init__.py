"""Sessions, counted tries, passwords before, and second factors of accounts."""
