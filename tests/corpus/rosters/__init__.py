"""Ten rosters of liaisons, each in the layout of a form that offices use."""
