"""Ten ledgers of cases, each in the layout of a form that offices use."""
