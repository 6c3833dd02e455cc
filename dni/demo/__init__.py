"""Something to see before there is anything of one's own: a landing page, its data, a call to it."""
