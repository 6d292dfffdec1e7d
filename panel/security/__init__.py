"""Who may do what to which rows: policy, actor, session scope, accounts, audit."""
