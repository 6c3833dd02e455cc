"""Pages for people: sign-in, the list of calls, one call with its session. Server-rendered; no page needs a script."""
