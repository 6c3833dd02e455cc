"""Where calls go: plans of steps, what they look at, destinations and their room. A caller is never dropped."""
