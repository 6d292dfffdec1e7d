"""Access control: roles and permissions, row scope of sessions, accounts, audit."""
