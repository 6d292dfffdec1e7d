"""The handbook of an application: a Markdown file, read by sections."""
