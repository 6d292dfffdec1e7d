"""Who is told of what, and when somebody is reminded."""
