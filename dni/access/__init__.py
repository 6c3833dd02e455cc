"""Who may do what: principals and roles, API tokens, sign-in, shared secrets."""
