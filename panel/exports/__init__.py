"""Tables out: export requests, their rows, templates and failed rows."""
