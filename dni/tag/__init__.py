"""Tags and the browser's door: the script, leases and signals. What a page sends is checked here, never trusted."""
